// OTLP over gRPC, by hand over `node:http2`: one unary call needs a prefix of five bytes, a path and the trailers, not the 250 kB of
// a gRPC library. Source: gRPC over HTTP2; opentelemetry-proto, collector/trace/v1/trace_service.proto.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import { wallNow } from '../../../runtime/untouched.ts';
import type { Transport, Verdict } from './delivery.ts';
import { judgeCall } from './grpc-status.ts';
import { type PartialSuccess, taken } from './partial-success.ts';
import { startTimeLimit, stopTimeLimit } from './time-limit.ts';
import type { TlsOptions } from './tls.ts';

export type GrpcTransportOptions = {
  /** Scheme, host and port; `http:` means HTTP/2 without TLS, from the first byte on. */
  readonly url: URL;
  /** Asked for every call: headers out of a secret come late. */
  headers(): Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  readonly tls: TlsOptions;
  /** Opens the connection through a proxy; absent: a direct one. Rejects with what the proxy said. */
  openTunnel?: ((timeoutMs: number) => Promise<Socket>) | undefined;
  decodeAnswer(message: Uint8Array): PartialSuccess;
};

// Loaded when it is needed.
const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const PREFIX_BYTES = 5;

/** As with HTTP/1.1: load balancers drop idle connections without a word. */
const LONGEST_IDLE_MS = 50_000;
/** Compressing less than this saves no packet. */
const GZIP_FROM_BYTES = 1024;
/** An answer larger than this is not OTLP. */
const LONGEST_ANSWER_BYTES = 65_536;

/** Of the connection, after a call. `silent`: there was no answer in time; it may have gone without a word. */
type Connection = 'kept' | 'silent' | 'lost';
type Call = { readonly verdict: Verdict; readonly connection: Connection };

export function createGrpcTransport(options: GrpcTransportOptions): Transport {
  let session: ClientHttp2Session | undefined;
  let lastUsedEpochMs = 0;

  const discard = (): void => {
    session?.destroy();
    session = undefined;
  };
  /** The next call takes another; what is on its way on this one, such as a cancelled call, still leaves. */
  const leave = (): void => {
    session?.close();
    session = undefined;
  };

  const open = async (timeoutMs: number): Promise<ClientHttp2Session> => {
    const tunnel = await options.openTunnel?.(timeoutMs);
    const opened = connect(options.url, {
      ...options.tls,
      ...(tunnel && { createConnection: () => secure(tunnel, options) }),
    });
    // Without a listener it would be thrown; the call reports it.
    opened.on('error', () => {});
    const forget = (): void => {
      if (session === opened) session = undefined;
    };
    opened.on('close', forget);
    // The server takes no new calls on this connection.
    opened.on('goaway', forget);
    opened.unref();
    return opened;
  };

  return {
    async post(message, timeoutMs): Promise<Verdict> {
      const untilEpochMs = wallNow() + timeoutMs;
      if (wallNow() - lastUsedEpochMs > LONGEST_IDLE_MS) discard();
      let isDoubtful = false;
      for (;;) {
        const isReused = session !== undefined;
        const resent = isDoubtful ? ({ wasResent: true } as const) : {};
        try {
          session ??= await open(untilEpochMs - wallNow());
        } catch (error) {
          return { kind: 'again', error: (error as Error).message };
        }
        const { verdict, connection } = await callOnce(session, options, message, untilEpochMs);
        lastUsedEpochMs = wallNow();
        if (connection === 'lost') discard();
        if (connection === 'silent') leave();
        // A connection kept over a freeze may be dead; one try on a fresh one settles it.
        if (connection !== 'lost' || !isReused || wallNow() >= untilEpochMs) return { ...verdict, ...resent };
        isDoubtful = verdict.mayHaveArrived === true;
      }
    },
  };
}

function callOnce(
  session: ClientHttp2Session,
  options: GrpcTransportOptions,
  message: Uint8Array,
  untilEpochMs: number,
): Promise<Call> {
  const { promise, resolve } = Promise.withResolvers<Call>();
  const timeoutMs = Math.max(1, untilEpochMs - wallNow());
  let stream: ClientHttp2Stream;
  let hasLeft = false;
  const limit = startTimeLimit(timeoutMs, () => settle(`no answer within ${Math.round(timeoutMs)} ms`, 'silent'));
  const settle = (failure: string | Verdict, connection: Connection): void => {
    stopTimeLimit(limit);
    session.unref();
    session.off('error', connectionFailed);
    const isFinished = typeof failure !== 'string';
    if (!isFinished) stream?.close(constants.NGHTTP2_CANCEL);
    resolve({ verdict: isFinished ? failure : judgeFailure(failure, hasLeft, connection), connection });
  };
  const connectionNow = (): Connection => (session.destroyed || session.closed ? 'lost' : 'kept');
  const connectionFailed = (error: Error): void => settle(error.message, 'lost');

  // The process stays for the call, not for the connection.
  session.ref();
  session.on('error', connectionFailed);
  try {
    stream = session.request(requestHeaders(options, timeoutMs, message), { endStream: false });
  } catch (error) {
    settle((error as Error).message, connectionNow());
    return promise;
  }
  const chunks: Buffer[] = [];
  let answer: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let answerBytes = 0;
  stream.on('response', (headers) => {
    answer = headers;
  });
  stream.on('trailers', (headers) => {
    trailers = headers;
  });
  stream.on('data', (chunk: Buffer) => {
    answerBytes += chunk.length;
    if (answerBytes <= LONGEST_ANSWER_BYTES) chunks.push(chunk);
  });
  stream.on('finish', () => {
    hasLeft = true;
  });
  stream.on('error', (error) => settle(error.message, connectionNow()));
  stream.on('close', () => {
    const httpStatus = Number(answer[':status'] ?? 0);
    if (httpStatus === 0) {
      settle('the connection was closed without an answer', 'lost');
      return;
    }
    const end = { ...answer, ...trailers };
    if (end['grpc-status'] === undefined && String(end['content-type']).startsWith('application/grpc')) {
      settle('the answer was cut off', connectionNow());
      return;
    }
    const failure = judgeCall({ httpStatus, trailers: end });
    settle(failure ?? taken(() => readAnswer(Buffer.concat(chunks), options.decodeAnswer)), 'kept');
  });
  stream.end(frame(message, isCompressed(options, message)));
  return promise;
}

function judgeFailure(error: string, hasLeft: boolean, connection: Connection): Verdict {
  const kind = connection === 'lost' ? 'again' : 'later';
  return hasLeft ? { kind, error, mayHaveArrived: true } : { kind, error };
}

const isCompressed = ({ compression }: GrpcTransportOptions, message: Uint8Array): boolean =>
  compression === 'gzip' && message.length >= GZIP_FROM_BYTES;

function requestHeaders(options: GrpcTransportOptions, timeoutMs: number, message: Uint8Array): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers())) headers[name.toLowerCase()] = value;
  return {
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'user-agent': 'spanstrap',
    ...headers,
    'grpc-timeout': `${Math.min(99_999_999, Math.ceil(timeoutMs))}m`,
    ...(isCompressed(options, message) && { 'grpc-encoding': 'gzip' }),
    'grpc-accept-encoding': 'identity,gzip',
  };
}

/** One byte that says whether the message is compressed, its length, the message. */
function frame(message: Uint8Array, isGzip: boolean): Buffer {
  const body = isGzip ? zlib().gzipSync(message, { level: 1 }) : message;
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + body.length);
  framed[0] = isGzip ? 1 : 0;
  framed.writeUInt32BE(body.length, 1);
  framed.set(body, PREFIX_BYTES);
  return framed;
}

function readAnswer(body: Buffer, decode: GrpcTransportOptions['decodeAnswer']): PartialSuccess {
  if (body.length <= PREFIX_BYTES) return {};
  const message = body.subarray(PREFIX_BYTES, PREFIX_BYTES + body.readUInt32BE(1));
  return decode(body[0] === 1 ? zlib().gunzipSync(message) : message);
}

/** TLS inside a tunnel; plain HTTP/2 uses the tunnel as it is. */
function secure(tunnel: Socket, { url, tls }: GrpcTransportOptions): Socket {
  if (url.protocol !== 'https:') return tunnel;
  return process.getBuiltinModule('node:tls').connect({
    ...tls,
    socket: tunnel,
    servername: url.hostname,
    ALPNProtocols: ['h2'],
  });
}
