// The loop between a scripted Runtime API and an observer that writes everything down.

import type { ChunkedRequest } from '../../runtime/api/connection.ts';
import type { HttpResponse } from '../../runtime/api/response-reader.ts';
import { type Delivery, type ErrorReport, type Receipt, RuntimeApi } from '../../runtime/api/runtime-api.ts';
import { xrayErrorCause } from '../../runtime/error-cause.ts';
import type { WhenIdle } from '../../runtime/event-loop.ts';
import type { Extension } from '../../runtime/extension.ts';
import type { CompletingContext } from '../../runtime/handler/completion.ts';
import type { HandlerFunction } from '../../runtime/handler/module-loading.ts';
import { createInvokeStore } from '../../runtime/invoke-store.ts';
import type { Invocation, InvocationObserver } from '../../runtime/lifecycle.ts';
import { Loop, type LoopOptions } from '../../runtime/loop.ts';
import { StreamedAnswer } from '../../runtime/streamed-answer.ts';
import { createUserScope } from '../../runtime/user-scope.ts';

/** What `next` rejects with when the script is over: `serve` ends with it. */
export const END = new Error('the script is over');

export const accepted = (bodyBytes = 0): Receipt => ({ status: 202, text: '', bodyBytes });
export const refused = (status: number, text = ''): Receipt => ({ status, text, bodyBytes: 0 });

export const invocationOf = (requestId: string, changes: Partial<Invocation> = {}): Invocation => ({
  requestId,
  invokedFunctionArn: 'arn',
  deadlineEpochMs: 1000,
  traceHeader: undefined,
  tenantId: undefined,
  clientContextJson: undefined,
  cognitoIdentityJson: undefined,
  invocationId: undefined,
  receivedAt: 1,
  eventBytes: 2,
  ...changes,
});

export const deliveryOf = (requestId: string, body = '{}', changes: Partial<Invocation> = {}): Delivery => ({
  invocation: invocationOf(requestId, changes),
  body: Buffer.from(body),
});

type Post = (requestId: string) => Receipt | Promise<Receipt>;

export class ScriptedApi extends RuntimeApi {
  readonly log: unknown[];
  readonly reports: ErrorReport[] = [];
  readonly #deliveries: Delivery[];
  /** What the API says to answers. */
  onPost: Post = () => accepted();
  /** What the API says at the end of a streamed response. */
  onStreamEnd: () => HttpResponse | Promise<HttpResponse> = () => ({
    status: 202,
    headers: new Map(),
    body: Buffer.alloc(0),
    keepsAlive: true,
  });

  constructor(log: unknown[], deliveries: readonly Delivery[]) {
    super({ host: '127.0.0.1', port: 1 }, 'test');
    this.log = log;
    this.#deliveries = [...deliveries];
  }

  override async next(): Promise<Delivery> {
    const delivery = this.#deliveries.shift();
    this.log.push(delivery === undefined ? 'end' : `next ${delivery.invocation.requestId}`);
    if (delivery === undefined) throw END;
    return delivery;
  }

  override async respond({ requestId }: Invocation, json: string): Promise<Receipt> {
    this.log.push(`respond ${requestId} ${json}`);
    return this.onPost(requestId);
  }

  override async fail({ requestId }: Invocation, report: ErrorReport): Promise<Receipt> {
    this.reports.push(report);
    this.log.push(`fail ${requestId} ${report.errorType}`);
    return this.onPost(requestId);
  }

  override respondStreaming({ requestId }: Invocation, contentType: string): ChunkedRequest {
    this.log.push(`stream ${requestId} ${contentType}`);
    return {
      write: (chunk, sent) => {
        this.log.push(`chunk ${Buffer.from(chunk)}`);
        sent();
      },
      end: async (trailers) => {
        this.log.push(`stream end ${Object.values(trailers)[0] ?? ''}`.trimEnd());
        return this.onStreamEnd();
      },
    };
  }
}

type UserHandler = (event: unknown, context: CompletingContext, ...rest: never[]) => unknown;

export type LoopStand = {
  readonly api: ScriptedApi;
  readonly loop: Loop;
  /** Everything that happened, in order. */
  readonly log: unknown[];
  readonly environment: { _X_AMZN_TRACE_ID?: string };
  /** Lets the event loop run dry. */
  runDry(): void;
  /** Serves the script to its end. */
  serve(): Promise<unknown>;
};

export type StandOptions = Partial<LoopOptions> & {
  readonly isExtensionRegistered?: boolean;
  /** What observations give user code to see; default: the header as received. */
  readonly traceHeader?: string;
};

export function standLoop(
  handler: UserHandler,
  deliveries: readonly Delivery[],
  options: StandOptions = {},
): LoopStand {
  const { isExtensionRegistered = true, traceHeader, ...rest } = options;
  const log: unknown[] = [];
  const api = new ScriptedApi(log, deliveries);
  const environment: { _X_AMZN_TRACE_ID?: string } = {};
  const waiting = new Set<() => void>();
  const whenIdle: WhenIdle = (callback) => {
    waiting.add(callback);
    return () => void waiting.delete(callback);
  };
  const extension: Extension = {
    isRegistered: isExtensionRegistered,
    refusal: undefined,
    poll() {},
    answered: (requestId) => void log.push(`answered ${requestId}`),
  };
  const loop = new Loop({
    handler: handler as HandlerFunction,
    streaming: { isStreaming: false, highWaterMarkBytes: undefined },
    isConcurrent: false,
    xrayErrorCause,
    openStream: (options) => new StreamedAnswer(options),
    observer: observerInto(log, traceHeader),
    extension,
    scope: createUserScope(createInvokeStore(false), () => environment, false),
    compat: undefined,
    whenIdle,
    log: {
      logInvokeError: (error) => void log.push(`log ${error}`),
      error: (text) => void log.push(`error ${text}`),
      warn: (text) => void log.push(`warn ${text}`),
    },
    workingDirectory: '/var/task',
    identity: () => ({
      functionName: 'orders',
      functionVersion: '1',
      memoryLimitInMB: '128',
      logGroupName: undefined,
      logStreamName: undefined,
    }),
    describeUnfinished: () => '',
    onContextMethod: () => void log.push('context method'),
    ...rest,
  });
  return {
    api,
    loop,
    log,
    environment,
    runDry() {
      const callbacks = [...waiting];
      waiting.clear();
      for (const callback of callbacks) callback();
    },
    serve: () =>
      loop.serve(api).catch((error: unknown) => {
        if (error !== END) throw error;
      }),
  };
}

function observerInto(log: unknown[], traceHeader: string | undefined): InvocationObserver {
  return {
    initEnded() {},
    begin(invocation, event) {
      log.push(`begin ${invocation.requestId} ${JSON.stringify(event)}`);
      return {
        traceHeader: traceHeader ?? invocation.traceHeader,
        run: (work) => work(),
        handlerSettled: (outcome) =>
          void log.push(outcome.ok ? `settled ${JSON.stringify(outcome.result)}` : `settled ${outcome.errorType}`),
        answered: ({ status, bodyBytes }) => void log.push(`taken ${status} ${bodyBytes}`),
      };
    },
    flush: async (reason, deadlineEpochMs) => void log.push(`flush ${reason} ${deadlineEpochMs}`),
  };
}
