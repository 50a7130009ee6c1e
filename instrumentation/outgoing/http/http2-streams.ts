// Streams of `node:http2` clients: plain HTTP/2, AWS clients that use it, and gRPC, which is HTTP/2 with a status in the trailers.
// Names: OpenTelemetry semantic conventions, "gRPC".

import { subscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { CallScope, CallSpan } from '../call-scope.ts';
import type { Carrier } from '../propagation.ts';
import type { BeginCall } from './begin-call.ts';
import { readBodyOf } from './given-body.ts';
import { originOf } from './http2-origins.ts';
import { isOpenCall, type OutgoingCall } from './outgoing-call.ts';
import type { RequestFacts } from './request-facts.ts';

/** Headers as a map, or as names and values in turn. */
export type Http2Headers = OutgoingHttpHeaders | readonly string[] | undefined;

export type Http2Streams = {
  /** Calls `send` with the headers to send, and returns what it returns. */
  request(
    session: ClientHttp2Session,
    headers: Http2Headers,
    scope: CallScope,
    send: (headers: Http2Headers) => ClientHttp2Stream,
  ): ClientHttp2Stream;
};

const CANCEL = 8;
const ERROR = 2;
const GRPC_CANCELLED = 1;

export function followHttp2Streams(begin: BeginCall): Http2Streams {
  const calls = new WeakMap<ClientHttp2Stream, OutgoingCall>();
  const on = <Message extends { readonly stream: ClientHttp2Stream }>(
    name: string,
    work: (call: OutgoingCall, message: Message) => void,
  ): void =>
    subscribe(`http2.client.stream.${name}`, (message) => {
      const call = calls.get((message as Message).stream);
      if (call !== undefined) work(call, message as Message);
    });
  on<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }>('finish', (call, { stream, headers }) => {
    call.connected(stream.session?.socket);
    call.responded({
      status: Number(headers[':status']),
      protocolVersion: '2',
      header: (name) => textOf(headers[name]),
    });
    readGrpcStatus(call.span, headers);
  });
  on<{ stream: ClientHttp2Stream; error: Error }>('error', (call, { stream, error }) => {
    if (error.name === 'AbortError' || stream.rstCode === CANCEL) call.ended('aborted');
    else call.failed(error);
  });
  on('close', (call, { stream }) => {
    calls.delete(stream);
    if (stream.rstCode === CANCEL) call.ended('aborted');
    else call.ended(stream.rstCode === 0 ? 'complete' : 'broken');
  });
  return {
    request(session, given, scope, send) {
      const { headers, carrier } = copyOf(given);
      // undici speaks HTTP/2 through here, and its request is traced already.
      if (isOpenCall(carrier)) return send(given);
      let takeBody: ((body: string | Uint8Array) => void) | undefined;
      const facts = factsOf(session, carrier, (take) => {
        takeBody = take;
      });
      const call = begin(facts, scope);
      let stream: ClientHttp2Stream;
      try {
        stream = send(headers);
      } catch (error) {
        call?.failed(error);
        throw error;
      }
      if (call === undefined) return stream;
      calls.set(stream, call);
      if (isGrpc(carrier)) describeGrpc(call.span, facts);
      stream.once('trailers', (trailers: IncomingHttpHeaders) => readGrpcStatus(call.span, trailers));
      if (takeBody !== undefined) readBodyOf(stream, takeBody);
      return stream;
    },
  };
}

const textOf = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));

/** The headers that will be sent, which are ours to add to: the caller may use his again. */
export function copyOf(given: Http2Headers): { readonly headers: Http2Headers; readonly carrier: Carrier } {
  if (Array.isArray(given)) {
    // With what stands beside its items: `http2.sensitiveHeaders`.
    const list: string[] = Object.assign([], given);
    const find = (name: string): number => list.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name);
    return {
      headers: list,
      carrier: {
        get(name) {
          const at = find(name);
          return at === -1 ? undefined : textOf(list[at + 1]);
        },
        set(name, value) {
          const at = find(name.toLowerCase());
          if (at === -1) list.push(name.toLowerCase(), value);
          else list[at + 1] = value;
        },
      },
    };
  }
  const map: OutgoingHttpHeaders = Object.assign(Object.create(null), given);
  const find = (name: string): string | undefined =>
    name in map ? name : Object.keys(map).find((key) => key.toLowerCase() === name);
  return {
    headers: map,
    carrier: {
      get(name) {
        const key = find(name);
        return key === undefined ? undefined : textOf(map[key]);
      },
      set(name, value) {
        map[find(name.toLowerCase()) ?? name.toLowerCase()] = value;
      },
    },
  };
}

function factsOf(session: ClientHttp2Session, carrier: Carrier, readBody: RequestFacts['readBody']): RequestFacts {
  const origin = originOf(session) ?? URL.parse(session.originSet?.[0] ?? '') ?? URL.parse(peerOf(session));
  const authority = URL.parse(`http://${carrier.get(':authority') ?? carrier.get('host') ?? ''}`) ?? origin;
  const scheme = carrier.get(':scheme') ?? (origin?.protocol === 'https:' ? 'https' : 'http');
  const port = authority?.port ?? '';
  return {
    method: (carrier.get(':method') ?? 'GET').toUpperCase(),
    scheme: scheme === 'https' ? 'https' : 'http',
    host: (authority?.hostname ?? 'localhost').replace(/^\[|\]$/g, ''),
    port: port === '' ? undefined : Number(port),
    path: carrier.get(':path') ?? '/',
    carrier,
    readBody,
  };
}

/** Of a session without TLS Node tells the peer's address only. */
function peerOf({ socket }: ClientHttp2Session): string {
  const address = socket?.remoteAddress ?? 'localhost';
  return `http://${address.includes(':') ? `[${address}]` : address}:${socket?.remotePort ?? 80}`;
}

const isGrpc = (carrier: Carrier): boolean => carrier.get('content-type')?.startsWith('application/grpc') ?? false;

/** `/package.Service/Method` */
function describeGrpc(span: CallSpan, { path }: RequestFacts): void {
  const [, service = '', method = ''] = path.split('/', 3);
  span.updateName(`${service}/${method}`);
  span.setAttributes({ 'rpc.system': 'grpc', 'rpc.system.name': 'grpc', 'rpc.service': service, 'rpc.method': method });
}

function readGrpcStatus(span: CallSpan, headers: IncomingHttpHeaders): void {
  const status = headers['grpc-status'];
  if (status === undefined || span.ended) return;
  const code = Number(status);
  span.setAttribute('rpc.grpc.status_code', code);
  span.setAttribute('rpc.response.status_code', String(code));
  if (code === 0 || code === GRPC_CANCELLED) return;
  const message = textOf(headers['grpc-message']);
  span.setAttribute('error.type', String(code));
  span.setStatus({ code: ERROR, ...(message === undefined ? {} : { message: decoded(message) }) });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
