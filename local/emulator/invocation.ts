// One invocation from the caller's side: what goes in, what comes out, and the two moments at which it ends:
// the response (the caller has its answer) and idle (runtime and extensions polled again; the environment may freeze).

import { randomUUID } from 'node:crypto';
import { headers } from '../../runtime/api/wire.ts';
import type { PlatformError } from './platform-errors.ts';
import type { ProcessExit } from './process.ts';
import type { Chunk } from './request-body.ts';

export type InvokeOptions = {
  /** `Lambda-Runtime-Trace-Id`; null: none. Not given: made by the emulator's tracing mode. */
  readonly traceHeader?: string | null;
  /** JSON text, or a value that is turned into it. */
  readonly clientContext?: unknown;
  readonly cognitoIdentity?: unknown;
  readonly tenantId?: string;
  /** Sent as `Lambda-Runtime-Invocation-Id`; an answer that echoes another one gets 410. */
  readonly invocationId?: string;
  /** May repeat between invocations, as with asynchronous retries. */
  readonly requestId?: string;
  readonly invokedFunctionArn?: string;
  /** Additional or replacing response headers of `next`; undefined removes one. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
  /** How the caller takes a streamed response: as a stream (up to 200 MiB), or collected by the platform (6 MiB). */
  readonly invokeMode?: 'streaming' | 'buffered';
  /** Called for each piece of a streamed response while it arrives. */
  readonly onChunk?: (chunk: Chunk) => void;
  /** The caller goes away: `invoke` rejects, the environment works on. */
  readonly signal?: AbortSignal;
};

export type InvocationStatus = 'success' | 'error' | 'timeout' | 'crash' | 'init-error';

/** How an invocation left its environment. */
export type Idle = {
  /** `reset`: the environment was destroyed and the next invocation starts a new one. */
  readonly how: 'idle' | 'reset';
  readonly cause?: 'timeout' | 'crash' | 'shutdown';
  readonly exit?: ProcessExit;
  /** Delivery to the runtime's next poll, milliseconds. */
  readonly runtimeDoneMs?: number;
  /** Delivery to the last extension's next poll, milliseconds; what Lambda bills. */
  readonly idleMs?: number;
};

export type Outcome = {
  readonly status: InvocationStatus;
  readonly payload: Buffer;
  readonly contentType?: string | undefined;
  /** As the runtime named it in its header, otherwise as the body names it. */
  readonly errorType?: string | undefined;
  /** What the platform's metrics make of the header. */
  readonly platformErrorType?: string | undefined;
  /** `Lambda-Runtime-Function-XRay-Error-Cause`, parsed; undefined when absent or not JSON. */
  readonly xrayCause?: unknown;
  readonly responseMode?: 'buffered' | 'streaming';
  readonly chunks?: readonly Chunk[];
  readonly trailers?: Readonly<Record<string, string>>;
  readonly echoedInvocationId?: string | undefined;
  /** Header of the request that brought the answer. */
  readonly requestHeaders?: Readonly<Record<string, string | string[] | undefined>>;
};

export class InvocationResult {
  readonly requestId: string;
  readonly status: InvocationStatus;
  readonly payload: Buffer;
  readonly contentType: string | undefined;
  /** `X-Amz-Function-Error` of the Invoke API: `Unhandled` for whatever is not a success. */
  readonly functionError: 'Unhandled' | undefined;
  readonly errorType: string | undefined;
  readonly platformErrorType: string | undefined;
  readonly xrayCause: unknown;
  readonly responseMode: 'buffered' | 'streaming';
  readonly chunks: readonly Chunk[];
  readonly trailers: Readonly<Record<string, string>>;
  readonly echoedInvocationId: string | undefined;
  readonly requestHeaders: Readonly<Record<string, string | string[] | undefined>>;
  /** Delivery (or begin of the repeated init) to complete response, milliseconds. */
  readonly durationMs: number;
  /** Process start to the end of init, with the first invocation of an environment. */
  readonly initMs: number | undefined;
  readonly cold: boolean;
  readonly traceHeader: string | undefined;
  /** Resolves when the environment is idle or was reset. Never rejects. */
  readonly idle: Promise<Idle>;

  constructor(invocation: PendingInvocation, outcome: Outcome) {
    this.requestId = invocation.requestId;
    this.status = outcome.status;
    this.payload = outcome.payload;
    this.contentType = outcome.contentType;
    this.functionError = outcome.status === 'success' ? undefined : 'Unhandled';
    this.errorType = outcome.errorType;
    this.platformErrorType = outcome.platformErrorType;
    this.xrayCause = outcome.xrayCause;
    this.responseMode = outcome.responseMode ?? 'buffered';
    this.chunks = outcome.chunks ?? [];
    this.trailers = outcome.trailers ?? {};
    this.echoedInvocationId = outcome.echoedInvocationId;
    this.requestHeaders = outcome.requestHeaders ?? {};
    this.durationMs = performance.now() - (invocation.startedAt ?? performance.now());
    this.initMs = invocation.initMs;
    this.cold = invocation.cold;
    this.traceHeader = invocation.traceHeader;
    this.idle = invocation.idle;
  }

  get text(): string {
    return this.payload.toString('utf8');
  }

  /** The payload, parsed. Throws SyntaxError when it is not JSON. */
  json(): unknown {
    return JSON.parse(this.text);
  }
}

export class PendingInvocation {
  readonly requestId: string;
  readonly body: Buffer;
  readonly options: InvokeOptions;
  readonly timeoutMs: number;
  readonly traceHeader: string | undefined;
  readonly invokedFunctionArn: string;
  readonly result: Promise<InvocationResult>;
  readonly idle: Promise<Idle>;
  /** The environment is done with it; `idle` follows when the emulator is, too: frozen, or reset. */
  readonly left: Promise<Idle>;
  cold = false;
  initMs: number | undefined;
  /** Performance-clock milliseconds; set at delivery, or at the begin of a repeated init. */
  startedAt: number | undefined;
  deadlineEpochMs = 0;
  #isSettled = false;
  readonly #settle: (result: InvocationResult) => void;
  readonly #end: (idle: Idle) => void;
  readonly #leave: (idle: Idle) => void;

  constructor(
    body: Buffer,
    options: InvokeOptions,
    functionArn: string,
    timeoutMs: number,
    traceHeader: string | undefined,
  ) {
    this.requestId = options.requestId ?? randomUUID();
    this.body = body;
    this.options = options;
    this.timeoutMs = options.timeoutMs ?? timeoutMs;
    this.traceHeader = traceHeader;
    this.invokedFunctionArn = options.invokedFunctionArn ?? functionArn;
    const response = Promise.withResolvers<InvocationResult>();
    const idle = Promise.withResolvers<Idle>();
    const left = Promise.withResolvers<Idle>();
    this.result = response.promise;
    this.idle = idle.promise;
    this.#settle = response.resolve;
    this.#end = idle.resolve;
    this.left = left.promise;
    this.#leave = left.resolve;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Starts the function's clock; has no effect the second time. */
  start(): void {
    if (this.startedAt !== undefined) return;
    this.startedAt = performance.now();
    this.deadlineEpochMs = Date.now() + this.timeoutMs;
  }

  /** The caller gets its answer. Only the first one counts; returns whether this was it. */
  settle(outcome: Outcome): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#settle(new InvocationResult(this, outcome));
    return true;
  }

  fail(status: InvocationStatus, error: PlatformError): boolean {
    return this.settle({
      status,
      payload: Buffer.from(JSON.stringify(error)),
      contentType: 'application/json',
      errorType: error.errorType,
      platformErrorType: error.errorType,
    });
  }

  leave(idle: Idle): void {
    this.#leave(idle);
  }

  end(idle: Idle): void {
    this.#end(idle);
  }

  /** The headers that `next` answers with. */
  nextHeaders(): Record<string, string> {
    const { options } = this;
    const all: Record<string, string | undefined> = {
      'content-type': 'application/json',
      [headers.requestId]: this.requestId,
      [headers.deadlineMs]: String(this.deadlineEpochMs),
      [headers.invokedFunctionArn]: this.invokedFunctionArn,
      [headers.traceId]: this.traceHeader,
      [headers.clientContext]: jsonText(options.clientContext),
      [headers.cognitoIdentity]: jsonText(options.cognitoIdentity),
      [headers.tenantId]: options.tenantId,
      [headers.invocationId]: options.invocationId,
    };
    for (const [name, value] of Object.entries(options.headers ?? {})) all[name.toLowerCase()] = value;
    const present = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return Object.fromEntries(present.map(([name, value]) => [capitalized(name), value]));
  }

  /** The body of the extensions' INVOKE event; no payload is in it. */
  invokeEvent(): Record<string, unknown> {
    return {
      eventType: 'INVOKE',
      deadlineMs: this.deadlineEpochMs,
      requestId: this.requestId,
      invokedFunctionArn: this.invokedFunctionArn,
      ...(this.traceHeader === undefined ? {} : { tracing: { type: 'X-Amzn-Trace-Id', value: this.traceHeader } }),
    };
  }
}

/** `lambda-runtime-trace-id` as the platform writes it: `Lambda-Runtime-Trace-Id`. */
const capitalized = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

function jsonText(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value);
}

/** The bytes of an event: a string or bytes go as they are, any other value as JSON. */
export function eventBytes(event: unknown): Buffer {
  if (Buffer.isBuffer(event)) return event;
  if (event instanceof Uint8Array || typeof event === 'string') return Buffer.from(event as string);
  return Buffer.from(JSON.stringify(event ?? null));
}
