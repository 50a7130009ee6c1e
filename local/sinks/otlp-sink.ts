// Stands for an OpenTelemetry collector: receives OTLP over HTTP on a free port of 127.0.0.1, decodes traces, can be made to
// hang or to refuse. Metrics and logs are taken as bytes.

import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Conditions } from '../conditions.ts';
import {
  decodeJsonTraces,
  decodeProtobufTraces,
  flat,
  type OtlpResourceSpans,
  type OtlpScope,
  type OtlpSpan,
} from './otlp-messages.ts';

export type OtlpRequest = {
  /** Arrival of the complete request, milliseconds on the performance clock. */
  readonly at: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came, compressed or not. */
  readonly body: Buffer;
  readonly resourceSpans: readonly OtlpResourceSpans[];
  /** Set when the body of a trace request could not be decoded; it was answered with 400. */
  readonly error?: string;
};

/** A span with everything that surrounds it; `flat` and `resource` are its attributes as ordinary maps. */
export type ReceivedSpan = OtlpSpan & {
  readonly flat: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: OtlpScope | undefined;
};

export type OtlpAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
};

export type OtlpSinkOptions = {
  /** PEM. Given: the sink speaks TLS. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
};

export class OtlpSink {
  readonly requests: OtlpRequest[] = [];
  readonly #server: Server;
  readonly #conditions = new Conditions(() => this.#describe());
  readonly #scheme: 'http' | 'https';
  #url = '';
  #answer: OtlpAnswer | undefined;
  #gate: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  constructor({ tls }: OtlpSinkOptions = {}) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createHttpsServer(tls, serve) : createHttpServer(serve);
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.#url = `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The form of OTEL_EXPORTER_OTLP_ENDPOINT: no path. */
  get url(): string {
    return this.#url;
  }

  get resourceSpans(): OtlpResourceSpans[] {
    return this.requests.flatMap((request) => request.resourceSpans);
  }

  get spans(): ReceivedSpan[] {
    return spansOf(this.resourceSpans);
  }

  /** From now on requests are received and recorded, but wait for their answer until `release()`. */
  hold(): void {
    if (this.#gate) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = { opened: promise, open: resolve };
  }

  release(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  /** What every request is answered with from now on; undefined: 200 again. */
  answerWith(answer: OtlpAnswer | undefined): void {
    this.#answer = answer;
  }

  /** Waits until `check` is truthy; it is asked again after every request. Resolves with what it returned. */
  waitFor<T>(check: (sink: this) => T, what: string, deadlineMs?: number): Promise<NonNullable<T>> {
    return this.#conditions.waitFor(() => check(this), { what, ...(deadlineMs !== undefined && { deadlineMs }) });
  }

  clear(): void {
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    this.release();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return;
    }
    const path = (request.url ?? '').split('?', 1)[0]!;
    const received = decode(path, request.headers, Buffer.concat(pieces));
    this.requests.push(received);
    this.#conditions.changed();
    await this.#gate?.opened;
    const { status, headers, body } = this.#answer ?? ordinaryAnswer(request.method, received);
    response.writeHead(status, { ...headers });
    response.end(body);
  }

  #describe(): string {
    const lines = this.requests.map(
      ({ path, body, resourceSpans, error }) =>
        `  ${path} ${body.length} bytes, ${resourceSpans.length} resourceSpans${error ? `, ${error}` : ''}`,
    );
    const names = this.spans.map((span) => span.name);
    return [`OTLP requests so far: ${lines.length}`, ...lines.slice(-20), `spans: ${names.join(', ')}`].join('\n');
  }
}

/** Every span of the requests, with its resource and scope beside it. */
export function spansOf(resourceSpans: readonly OtlpResourceSpans[]): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const resourceAttributes = flat(resource?.attributes);
    return (scopeSpans ?? []).flatMap(({ scope, spans }) =>
      spans.map((span) => ({ ...span, flat: flat(span.attributes), resource: resourceAttributes, scope })),
    );
  });
}

const isJson = (headers: IncomingHttpHeaders): boolean =>
  headers['content-type']?.startsWith('application/json') ?? false;

function decode(path: string, headers: IncomingHttpHeaders, body: Buffer): OtlpRequest {
  const request = { at: performance.now(), path, headers, body, resourceSpans: [] };
  if (path !== '/v1/traces') return request;
  try {
    const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const traces = isJson(headers) ? decodeJsonTraces(bytes.toString('utf8')) : decodeProtobufTraces(bytes);
    return { ...request, resourceSpans: traces.resourceSpans ?? [] };
  } catch (error) {
    return { ...request, error: `cannot be decoded: ${(error as Error).message}` };
  }
}

function ordinaryAnswer(method: string | undefined, { path, headers, error }: OtlpRequest): OtlpAnswer {
  if (!/^\/v1\/(traces|metrics|logs)$/.test(path)) return { status: 404 };
  if (method !== 'POST') return { status: 405 };
  if (error) return { status: 400, headers: { 'Content-Type': 'text/plain' }, body: error };
  return isJson(headers)
    ? { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{}' }
    : { status: 200, headers: { 'Content-Type': 'application/x-protobuf' } };
}

export async function openOtlpSink(options?: OtlpSinkOptions): Promise<OtlpSink> {
  const sink = new OtlpSink(options);
  await sink.open();
  return sink;
}
