// The Runtime and Extensions API for one process at a time, and the receivers of what it sends. Every moment that a figure is
// made of is taken here, on one clock. It checks nothing; local/ has the emulator.

import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import {
  EXTENSION_NEXT_PATH,
  EXTENSION_REGISTER_PATH,
  headers,
  INIT_ERROR_PATH,
  NEXT_PATH,
  RUNTIME_API_BASE,
} from '../../../runtime/api/wire.ts';
import { makeResponse, openWire, type WireRequest } from './http-wire.ts';
import type { StubAddresses } from './run-plan.ts';

const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:bench';
const EXTENSION_ID = '5c6a7a4e-1a5e-4b5f-9d5d-1f0a3a2b1c0d';
/** Longer than any run. */
const PATIENCE_MS = 900_000;

const ACCEPTED = makeResponse('202 Accepted', '{"status":"OK"}');
const REGISTERED = makeResponse(
  '200 OK',
  JSON.stringify({ functionName: 'bench', functionVersion: '$LATEST', handler: 'index.handler' }),
  { [headers.extensionId]: EXTENSION_ID },
);
/** An empty object is a valid answer to OTLP in JSON, to the handler's own call, and to most collectors. */
const BACKEND_ANSWER = makeResponse('200 OK', '{}');

export type Counts = { datagrams: number; exports: number; exportBytes: number };

/** Milliseconds on the performance clock. */
export type Moment = number;

/** A moment that is waited for once. */
type Slot = PromiseWithResolvers<Moment>;

export class FunctionApi {
  readonly counts: Counts = { datagrams: 0, exports: 0, exportBytes: 0 };
  addresses: StubAddresses = { runtimeApi: '', backend: '', daemon: '' };
  #daemon: DatagramSocket | undefined;
  #runtimePoll: Socket | undefined;
  #extensionPoll: Socket | undefined;
  #isExtensionRegistered = false;
  #invocations = 0;
  #idle: Slot = Promise.withResolvers();
  #answered: Slot = Promise.withResolvers();
  #failed: PromiseWithResolvers<never> = Promise.withResolvers();

  async open(): Promise<void> {
    const runtimeApi = await openWire((request, socket) => this.#serveApi(request, socket));
    const backend = await openWire(({ method, bodyBytes }, socket) => {
      // The handler's own call is a GET.
      if (method === 'POST') {
        this.counts.exports++;
        this.counts.exportBytes += bodyBytes;
      }
      socket.write(BACKEND_ANSWER);
    });
    this.#daemon = createSocket({ type: 'udp4', recvBufferSize: 8_388_608 });
    this.#daemon.on('message', () => {
      this.counts.datagrams++;
    });
    this.#daemon.bind(0, '127.0.0.1');
    await once(this.#daemon, 'listening');
    const daemon = `127.0.0.1:${this.#daemon.address().port}`;
    this.addresses = { runtimeApi: runtimeApi.address, backend: backend.address, daemon };
  }

  /** Forgets the former process. */
  reset(): void {
    Object.assign(this.counts, { datagrams: 0, exports: 0, exportBytes: 0 });
    this.#runtimePoll = undefined;
    this.#extensionPoll = undefined;
    this.#isExtensionRegistered = false;
    this.#idle = Promise.withResolvers();
    this.#answered = Promise.withResolvers();
    this.#failed = Promise.withResolvers();
    this.#failed.promise.catch(() => {});
  }

  /** The moment at which the environment could be frozen: runtime and, if there is one, extension have polled. */
  idle(): Promise<Moment> {
    return Promise.race([this.#idle.promise, this.#failed.promise]);
  }

  /** Delivers an event; both promises are of this invocation. */
  invoke(event: Uint8Array): { deliveredAt: Moment; answered: Promise<Moment>; idle: Promise<Moment> } {
    const [runtime, extension] = [this.#runtimePoll!, this.#extensionPoll];
    this.#runtimePoll = undefined;
    this.#extensionPoll = undefined;
    this.#idle = Promise.withResolvers();
    this.#answered = Promise.withResolvers();
    const requestId = `00000000-0000-4000-8000-${String(++this.#invocations).padStart(12, '0')}`;
    const deadlineMs = Date.now() + PATIENCE_MS;
    const traceId = traceHeader(this.#invocations);
    const response = makeResponse('200 OK', event, {
      [headers.requestId]: requestId,
      [headers.deadlineMs]: String(deadlineMs),
      [headers.invokedFunctionArn]: FUNCTION_ARN,
      [headers.traceId]: traceId,
    });
    const wake =
      extension &&
      makeResponse(
        '200 OK',
        JSON.stringify({
          eventType: 'INVOKE',
          deadlineMs,
          requestId,
          invokedFunctionArn: FUNCTION_ARN,
          tracing: { type: 'X-Amzn-Trace-Id', value: traceId },
        }),
        { 'Lambda-Extension-Event-Identifier': requestId },
      );
    const deliveredAt = performance.now();
    runtime.write(response);
    if (wake !== undefined) extension?.write(wake);
    const failed = this.#failed.promise;
    return {
      deliveredAt,
      answered: Promise.race([this.#answered.promise, failed]),
      idle: Promise.race([this.#idle.promise, failed]),
    };
  }

  #serveApi({ path, bodyStart }: WireRequest, socket: Socket): void {
    const at = performance.now();
    if (path === NEXT_PATH) {
      this.#runtimePoll = socket;
      this.#becomeIdle(at);
    } else if (path === EXTENSION_NEXT_PATH) {
      this.#extensionPoll = socket;
      this.#becomeIdle(at);
    } else if (path.startsWith(RUNTIME_API_BASE) && path.endsWith('/response')) {
      socket.write(ACCEPTED);
      this.#answered.resolve(at);
    } else if (path === EXTENSION_REGISTER_PATH) {
      this.#isExtensionRegistered = true;
      socket.write(REGISTERED);
    } else {
      socket.write(ACCEPTED);
      if (path === INIT_ERROR_PATH || path.endsWith('/error'))
        this.#failed.reject(new Error(`the runtime posted ${path}: ${bodyStart}`));
    }
  }

  #becomeIdle(at: Moment): void {
    if (this.#runtimePoll === undefined) return;
    if (this.#isExtensionRegistered && this.#extensionPoll === undefined) return;
    this.#idle.resolve(at);
  }
}

/** Sampled, with a trace of its own for every invocation. */
function traceHeader(invocation: number): string {
  const number = invocation.toString(16);
  return `Root=1-5759e988-${number.padStart(24, '0')};Parent=${number.padStart(16, '1')};Sampled=1`;
}
