// The HTTP side of the Runtime and Extensions APIs: paths, methods, headers and bytes. What the calls mean is sandbox.ts.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { EXTENSIONS_API_BASE, RUNTIME_API_BASE, TELEMETRY_API_PATH } from '../../runtime/api/wire.ts';
import { Extension } from './extension-states.ts';
import { type ApiName, type Faults, type SplitPlan, splitWrites } from './faults.ts';
import { takeError, takeResponse } from './invocation-answers.ts';
import {
  type Answer,
  accepted,
  logsUnsupported,
  methodNotAllowed,
  notFound,
  refusal,
  telemetryUnsupported,
} from './refusals.ts';
import { type ApiCall, type ReadLimits, type ReceivedBody, readBody } from './request-body.ts';
import { headerText, type Sandbox } from './sandbox.ts';

/** One API call as it was seen. Times are milliseconds on the performance clock. */
export type TranscriptEntry = {
  readonly at: number;
  readonly api: ApiName;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** undefined while the call waits, and when the connection went first. */
  status: number | undefined;
  answeredAt: number | undefined;
  bodyBytes: number;
};

export type ApiServerOptions = {
  /** The environment that lives now; undefined: nobody may call. */
  readonly sandbox: () => Sandbox | undefined;
  readonly faults: Faults;
  readonly splitAnswers: SplitPlan | undefined;
  readonly isSnapStart: boolean;
  readonly onCall: (entry: TranscriptEntry) => void;
  /** The environment has taken the call: states may have changed, though the answer may be far away. */
  readonly onTaken: () => void;
  readonly onAnswered: (entry: TranscriptEntry) => void;
};

type Handler = (sandbox: Sandbox, call: ApiCall, requestId: string) => Answer | Promise<Answer>;
type Route = { readonly api: ApiName; readonly method: string; readonly path: RegExp; readonly handle: Handler };

/** Node's own limit is 16 KiB for all headers; the platform takes 1 MiB in the error cause alone. */
const MAX_HEADER_BYTES = (1024 + 64) * 1024;

const runtimePath = (path: string): RegExp => new RegExp(`^${RUNTIME_API_BASE}/${path}$`);
const extensionPath = (path: string): RegExp => new RegExp(`^${EXTENSIONS_API_BASE}/${path}$`);

const routes: readonly Route[] = [
  { api: 'next', method: 'GET', path: runtimePath('invocation/next'), handle: (to, call) => to.runtimeNext(call) },
  {
    api: 'response',
    method: 'POST',
    path: runtimePath('invocation/([^/]*)/response'),
    handle: (sandbox, call, requestId) => takeResponse(sandbox, requestId, call),
  },
  {
    api: 'error',
    method: 'POST',
    path: runtimePath('invocation/([^/]*)/error'),
    handle: (sandbox, call, requestId) => takeError(sandbox, requestId, call),
  },
  {
    api: 'init-error',
    method: 'POST',
    path: runtimePath('init/error'),
    handle: (to, call) => to.initErrorReported(call),
  },
  { api: 'register', method: 'POST', path: extensionPath('register'), handle: (to, call) => to.register(call) },
  {
    api: 'extension-next',
    method: 'GET',
    path: extensionPath('event/next'),
    handle: (to, call) => to.extensionNext(call),
  },
  {
    api: 'extension-init-error',
    method: 'POST',
    path: extensionPath('init/error'),
    handle: (to, call) => to.extensionErrorReported(call, 'initError'),
  },
  {
    api: 'extension-exit-error',
    method: 'POST',
    path: extensionPath('exit/error'),
    handle: (to, call) => to.extensionErrorReported(call, 'exitError'),
  },
  {
    api: 'telemetry',
    method: 'PUT',
    path: new RegExp(`^${TELEMETRY_API_PATH}$`),
    handle: (sandbox, call) => subscribe(sandbox, call, telemetryUnsupported),
  },
  {
    api: 'logs',
    method: 'PUT',
    path: /^\/2020-08-15\/logs$/,
    handle: (sandbox, call) => subscribe(sandbox, call, logsUnsupported),
  },
  {
    api: 'ping',
    method: 'GET',
    path: /^(\/2018-06-01)?\/ping$/,
    handle: () => ({ status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'pong' }),
  },
];

const snapStartRoutes: readonly Route[] = [
  { api: 'restore-next', method: 'GET', path: runtimePath('restore/next'), handle: (to) => to.restoreNext() },
  {
    api: 'restore-error',
    method: 'POST',
    path: runtimePath('restore/error'),
    handle: (to) => to.runtime.take('restoreError') ?? accepted,
  },
];

async function subscribe(sandbox: Sandbox, call: ApiCall, answer: Answer): Promise<Answer> {
  await call.readBody({ keepBytes: 0 });
  const extension = sandbox.extensions.find(headerText(call, 'lambda-extension-identifier'));
  return extension instanceof Extension ? answer : extension;
}

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #server: Server;
  readonly #routes: readonly Route[];

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#routes = options.isSnapStart ? [...routes, ...snapStartRoutes] : routes;
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
    });
    this.#server.on('request', (request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket: Socket) => {
      if (options.splitAnswers) splitWrites(socket, options.splitAnswers);
    });
    this.#server.on('clientError', refuseBrokenRequest);
  }

  /** Listens on a free port of 127.0.0.1; resolves with `host:port`. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const path = (request.url ?? '').split('?', 1)[0]!;
    const found = this.#routes.filter((route) => route.path.test(path));
    const route = found.find((candidate) => candidate.method === method);
    const entry: TranscriptEntry = {
      at: performance.now(),
      api: (route ?? found[0])?.api ?? 'unknown',
      method,
      path: request.url ?? '',
      headers: request.headers,
      status: undefined,
      answeredAt: undefined,
      bodyBytes: 0,
    };
    this.#options.onCall(entry);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    let reading: Promise<ReceivedBody> | undefined;
    const read = (limits: ReadLimits): Promise<ReceivedBody> => {
      reading ??= readBody(request, limits).then((body) => {
        entry.bodyBytes = body.totalBytes;
        return body;
      });
      return reading;
    };
    const call: ApiCall = { headers: request.headers, signal: gone.signal, readBody: read };
    const answered = (answer: Answer): void => {
      entry.status = answer.status;
      entry.answeredAt = performance.now();
      this.#options.onAnswered(entry);
    };
    const handle = async (): Promise<Answer> => {
      const sandbox = this.#options.sandbox();
      if (found.length === 0) return notFound;
      if (!route) return methodNotAllowed;
      if (!sandbox) return refusal(503, 'Emulator.NoEnvironment', 'No execution environment is running');
      const answer = route.handle(sandbox, call, requestIdOf(route, path));
      this.#options.onTaken();
      return answer;
    };
    const fault = this.#options.faults.strike(entry.api);
    await fault?.hold;
    const isReplaced = fault?.answer !== undefined || fault?.raw !== undefined || fault?.close === true;
    if (isReplaced && !fault?.applied) await read({ keepBytes: 0 });
    const answer = isReplaced && !fault?.applied ? undefined : await handle();
    if (fault?.close) {
      request.socket.destroy();
    } else if (fault?.raw !== undefined) {
      request.socket.end(fault.raw);
    } else if (!gone.signal.aborted) {
      const given = fault?.answer ?? answer!;
      write(response, given);
      answered(given);
    }
  }
}

function write(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  // The platform sends UTF-8 in header values; Node's writer takes one character for one byte.
  const encoded = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]);
  response.writeHead(status, { ...Object.fromEntries(encoded), 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

function requestIdOf(route: Route, path: string): string {
  const encoded = route.path.exec(path)?.[1] ?? '';
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** Broken framing, or the end of the connection inside a body: the invocation's own handler hears of it when the socket closes. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const body = JSON.stringify({
    errorMessage: 'HTTP request detected as truncated',
    errorType: 'TruncatedHTTPRequest',
  });
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
