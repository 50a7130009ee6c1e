// The Runtime and Extensions API for the build's warm-up, and the receivers of what it exports: the least that the runtime needs,
// in lock step, so that every warm-up runs the same code in the same order. It checks nothing; local/ has the emulator.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  EXTENSION_NEXT_PATH,
  EXTENSION_REGISTER_PATH,
  errorPath,
  headers,
  INIT_ERROR_PATH,
  NEXT_PATH,
  responsePath,
} from '../runtime/api/wire.ts';
import type { WarmUpEvent } from './warm-up-handler.ts';

/** Which of the two polls is answered first. On Lambda either happens. */
type Order = 'runtime first' | 'extension first';

type Step = { readonly warmUp: WarmUpEvent['warmUp']; readonly order: Order; readonly padding?: number };

const repeat = (count: number, warmUp: WarmUpEvent['warmUp']): Step[] =>
  Array.from({ length: count }, (_, index) => ({
    warmUp,
    order: index % 2 === 0 ? 'extension first' : 'runtime first',
  }));

/** Thirty invocations. The large event makes the runtime read a body in pieces. */
const steps: readonly Step[] = [
  ...repeat(12, 'return'),
  { warmUp: 'return', order: 'runtime first', padding: 400_000 },
  ...repeat(8, 'request'),
  ...repeat(9, 'span'),
];

const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:warm-up';
const TRACE_HEADER = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
/** Nothing may time out, however slow the machine: what runs then would be in the cache of one build and not of the next. */
const PATIENCE_MS = 900_000;

/** An API Gateway HTTP API event, which takes the longest way through the instrumentation. */
const makeEvent = (step: Step, url: string): object => ({
  version: '2.0',
  routeKey: 'GET /orders/{id}',
  rawPath: '/orders/42',
  rawQueryString: 'full=1',
  headers: {
    accept: '*/*',
    host: 'warm-up.execute-api.eu-west-1.amazonaws.com',
    'user-agent': 'warm-up',
    'x-forwarded-proto': 'https',
  },
  queryStringParameters: { full: '1' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'warm-up',
    domainName: 'warm-up.execute-api.eu-west-1.amazonaws.com',
    http: { method: 'GET', path: '/orders/42', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'warm-up' },
    requestId: 'warm-up',
    routeKey: 'GET /orders/{id}',
    stage: '$default',
    timeEpoch: 1_700_000_000_000,
  },
  pathParameters: { id: '42' },
  isBase64Encoded: false,
  warmUp: step.warmUp,
  url,
  ...(step.padding === undefined ? {} : { padding: 'x'.repeat(step.padding) }),
});

export type WarmUpApi = {
  /** Environment variables that point the runtime here. */
  readonly environment: Readonly<Record<string, string>>;
  /** Serves the invocations, then one with `warmUp: 'end'`. Rejects when the runtime reports an init or invocation error. */
  readonly serve: () => Promise<void>;
  readonly close: () => void;
};

/** A place for one value that one side waits for. */
class Slot<T> {
  #settle = Promise.withResolvers<T>();

  put(value: T): void {
    this.#settle.resolve(value);
  }

  async take(): Promise<T> {
    const value = await this.#settle.promise;
    this.#settle = Promise.withResolvers<T>();
    return value;
  }
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const text of request.setEncoding('utf8')) body += text;
  return body;
};

const sendJson = (
  response: ServerResponse,
  status: number,
  body: object,
  fields: Record<string, string> = {},
): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...fields,
  });
  response.end(text);
};

export const openWarmUpApi = async (): Promise<WarmUpApi> => {
  const runtimePoll = new Slot<ServerResponse>();
  const extensionPoll = new Slot<ServerResponse>();
  const answered = new Slot<void>();
  const failed = Promise.withResolvers<never>();
  let isExtensionRegistered = false;
  let requestId = '';

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    if (pathname === NEXT_PATH) return runtimePoll.put(response);
    if (pathname === EXTENSION_NEXT_PATH) return extensionPoll.put(response);
    const body = await readBody(request);
    if (pathname === EXTENSION_REGISTER_PATH) {
      isExtensionRegistered = true;
      const reply = { functionName: 'warm-up', functionVersion: '$LATEST', handler: 'index.handler' };
      return sendJson(response, 200, reply, { [headers.extensionId]: '5c6a7a4e-1a5e-4b5f-9d5d-1f0a3a2b1c0d' });
    }
    if (pathname === responsePath(requestId)) {
      sendJson(response, 202, { status: 'OK' });
      return answered.put();
    }
    if (pathname === INIT_ERROR_PATH || pathname === errorPath(requestId)) {
      sendJson(response, 202, { status: 'OK' });
      return failed.reject(new Error(`the runtime reported ${body}`));
    }
    // OTLP, and the handler's own request.
    sendJson(response, 200, {});
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const daemon = createSocket('udp4');
  daemon.bind(0, '127.0.0.1');
  await once(daemon, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const invoke = async (step: Step, index: number): Promise<void> => {
    const runtime = await runtimePoll.take();
    // A runtime that registers does so before its first poll, but may poll as extension later.
    const extension = isExtensionRegistered ? await extensionPoll.take() : undefined;
    requestId = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    const deadlineMs = Date.now() + PATIENCE_MS;
    const deliver = () =>
      sendJson(runtime, 200, makeEvent(step, `http://${address}/downstream`), {
        [headers.requestId]: requestId,
        [headers.deadlineMs]: String(deadlineMs),
        [headers.invokedFunctionArn]: FUNCTION_ARN,
        [headers.traceId]: TRACE_HEADER,
      });
    const wake = () =>
      extension !== undefined &&
      sendJson(extension, 200, {
        eventType: 'INVOKE',
        deadlineMs,
        requestId,
        invokedFunctionArn: FUNCTION_ARN,
        tracing: { type: 'X-Amzn-Trace-Id', value: TRACE_HEADER },
      });
    if (step.order === 'extension first') wake();
    deliver();
    if (step.warmUp === 'end') return;
    await answered.take();
    if (step.order === 'runtime first') wake();
  };

  const serve = async (): Promise<void> => {
    const all = (async () => {
      for (const [index, step] of steps.entries()) await invoke(step, index);
      await invoke({ warmUp: 'end', order: 'runtime first' }, steps.length);
    })();
    await Promise.race([all, failed.promise]);
  };

  return {
    environment: {
      AWS_LAMBDA_RUNTIME_API: address,
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: String(PATIENCE_MS),
    },
    serve,
    close: () => {
      server.close();
      server.closeAllConnections();
      daemon.close();
    },
  };
};
