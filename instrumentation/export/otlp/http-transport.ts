// OTLP over HTTP (OpenTelemetry protocol specification, "OTLP/HTTP"), with Node's own client: undici would cost 12 MiB and 24 ms
// at its first request. One request at a time over one connection that is kept.

import { ClientRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { clearTimeout, setTimeout, wallNow } from '../../../runtime/untouched.ts';
import { type SigningOptions, signedHeaders } from '../aws/sigv4.ts';
import type { Transport, Verdict } from './delivery.ts';
import type { TlsOptions } from './tls.ts';

export type HttpTransportOptions = {
  /** Full URL of the traces endpoint. */
  readonly url: URL;
  readonly contentType: 'application/x-protobuf' | 'application/json';
  /** Asked for every request: headers out of a secret come late. */
  headers(): Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  readonly tls: TlsOptions;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` as Node's agents take them. */
  readonly proxyEnv?: Readonly<Record<string, string>> | undefined;
  /** Present: requests are signed for AWS. */
  readonly signing?: SigningOptions | undefined;
  /** What the receiver says of a request it took. */
  decodeAnswer(body: Uint8Array): PartialSuccess;
};

export type PartialSuccess = {
  readonly partialSuccess?: { readonly rejectedSpans?: number | string; readonly errorMessage?: string };
};

// Loaded when they are needed: evaluating node:https and what it stands on takes 7 ms of CPU.
const https = (): typeof import('node:https') => process.getBuiltinModule('node:https');
const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

/** The specification allows no other answer to be tried again. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** Errors of the connection that another one need not have. Names that do not resolve and bad certificates stay what they are. */
const TRANSIENT = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/** Less than the shortest time after which load balancers drop idle connections (60 s), often without a word. */
const LONGEST_IDLE_MS = 50_000;

/** `HTTP/1.1 200 ` */
const STATUS_LINE_CHARS = 13;

/** Compressing less than this saves no packet. */
const GZIP_FROM_BYTES = 1024;

/** An answer larger than this is not OTLP: it is read, for the connection's sake, and not kept. */
const LONGEST_ANSWER_BYTES = 65_536;

type Answer = { readonly status: number; readonly retryAfter: string | undefined; readonly body: Buffer };
type Attempt = {
  readonly answer?: Answer;
  readonly error?: NodeJS.ErrnoException;
  readonly wasReused: boolean;
  /** All of the request had left when it failed. */
  readonly hasLeft: boolean;
};

export function createHttpTransport(options: HttpTransportOptions): Transport {
  const { url, tls, proxyEnv, signing } = options;
  const isTls = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: 1, ...(proxyEnv && { proxyEnv }) };
  const agent = isTls ? new (https().Agent)({ ...agentOptions, ...tls }) : new HttpAgent(agentOptions);
  const target = {
    agent,
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (isTls ? 443 : 80),
    path: url.pathname + url.search,
    method: 'POST',
    ...(url.username && { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
  };
  let lastUsedEpochMs = 0;

  const headersFor = async (body: Uint8Array, isCompressed: boolean): Promise<Record<string, string | number>> => {
    const content = { 'content-type': options.contentType, ...(isCompressed && { 'content-encoding': 'gzip' }) };
    const signature = signing === undefined ? {} : await signedHeaders(signing, { url, headers: content, body });
    return {
      'user-agent': 'spanstrap',
      ...lowerCased(options.headers()),
      ...content,
      ...signature,
      'content-length': body.length,
    };
  };

  return {
    async post(message, timeoutMs): Promise<Verdict> {
      const untilEpochMs = wallNow() + timeoutMs;
      const isCompressed = options.compression === 'gzip' && message.length >= GZIP_FROM_BYTES;
      const body = isCompressed ? zlib().gzipSync(message, { level: 1 }) : message;
      let headers: Record<string, string | number>;
      try {
        headers = await headersFor(body, isCompressed);
      } catch (error) {
        return { kind: 'later', error: `there are no AWS credentials to sign with: ${(error as Error).message}` };
      }
      if (wallNow() - lastUsedEpochMs > LONGEST_IDLE_MS) agent.destroy();
      let attempt = await send({ ...target, headers }, body, timeoutMs);
      let wasResent = false;
      // A connection kept over a freeze may be dead; one try on a fresh one settles it.
      if (attempt.error !== undefined && attempt.wasReused && wallNow() < untilEpochMs) {
        wasResent = attempt.hasLeft;
        attempt = await send({ ...target, headers }, body, untilEpochMs - wallNow());
      }
      lastUsedEpochMs = wallNow();
      const verdict =
        attempt.answer === undefined ? judgeFailure(attempt) : judgeAnswer(attempt.answer, options.decodeAnswer);
      return wasResent ? { ...verdict, wasResent } : verdict;
    },
  };
}

function send(
  target: ConstructorParameters<typeof ClientRequest>[0],
  body: Uint8Array,
  timeoutMs: number,
): Promise<Attempt> {
  const { promise, resolve } = Promise.withResolvers<Attempt>();
  // Not `http.request`, which user code or its agents may have replaced.
  const request = new ClientRequest(target);
  const timer = setTimeout(() => request.destroy(new NoAnswer(timeoutMs)), timeoutMs);
  let hasLeft = false;
  const head = new AnswerHead();
  const settle = (attempt: { answer?: Answer; error?: Error }): void => {
    clearTimeout(timer);
    head.unwatch();
    resolve({ ...attempt, wasReused: request.reusedSocket, hasLeft });
  };
  // Handed to the kernel to the last byte: a receiver cannot make anything of less.
  request.on('finish', () => {
    hasLeft = true;
  });
  request.on('socket', (socket) => head.watch(socket));
  request.on('error', (error) => {
    const { status } = head;
    settle(status === undefined ? { error } : { answer: { status, retryAfter: undefined, body: Buffer.alloc(0) } });
  });
  request.on('response', (response: IncomingMessage) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const { statusCode: status = 0, headers } = response;
    const answered = (): void => {
      settle({ answer: { status, retryAfter: headers['retry-after'], body: Buffer.concat(chunks) } });
    };
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LONGEST_ANSWER_BYTES) chunks.push(chunk);
    });
    // The rest of the answer does not come: its status says what became of the request.
    response.on('error', answered);
    response.on('end', answered);
  });
  request.end(body);
  return promise;
}

/** The first bytes of an answer: what Node's parser makes nothing of when the connection dies before the head is complete. */
class AnswerHead {
  #text = '';
  #socket: Socket | undefined;
  readonly #read = (bytes: Buffer): void => {
    this.#text += bytes.toString('latin1', 0, STATUS_LINE_CHARS);
    if (this.#text.length >= STATUS_LINE_CHARS) this.unwatch();
  };

  watch(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', this.#read);
  }

  unwatch(): void {
    this.#socket?.off('data', this.#read);
  }

  get status(): number | undefined {
    const digits = /^HTTP\/1\.[01] ([2-5]\d\d) /.exec(this.#text)?.[1];
    return digits === undefined ? undefined : Number(digits);
  }
}

class NoAnswer extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${Math.round(timeoutMs)} ms`);
  }
}

function judgeFailure({ error, hasLeft }: Attempt): Verdict {
  const { code, message } = error!;
  const text = code === undefined || message.includes(code) ? message : `${message} (${code})`;
  const kind = code !== undefined && TRANSIENT.has(code) ? 'again' : 'later';
  return hasLeft ? { kind, error: text, mayHaveArrived: true } : { kind, error: text };
}

function judgeAnswer({ status, retryAfter, body }: Answer, decode: HttpTransportOptions['decodeAnswer']): Verdict {
  if (status >= 200 && status < 300) {
    const { rejectedSpans, errorMessage } = readPartialSuccess(body, decode);
    return { kind: 'taken', rejectedSpans: Number(rejectedSpans ?? 0), warning: errorMessage || undefined };
  }
  // Protobuf answers have a text among control characters: what can be read of it says why.
  const reason = body.toString('utf8', 0, 200).replace(/[^\x20-\x7e]+/g, ' ');
  const error = `answered ${status} ${reason}`.trimEnd();
  if (status === 413) return { kind: 'too large', error };
  if (!RETRYABLE.has(status)) return { kind: 'refused', error };
  const afterMs = readRetryAfter(retryAfter);
  return afterMs === undefined ? { kind: 'again', error } : { kind: 'again', error, afterMs };
}

function readPartialSuccess(
  body: Buffer,
  decode: HttpTransportOptions['decodeAnswer'],
): NonNullable<PartialSuccess['partialSuccess']> {
  if (body.length === 0) return {};
  try {
    return decode(body).partialSuccess ?? {};
  } catch {
    // It was taken; what else was to be said cannot be read.
    return {};
  }
}

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
export function readRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallNow());
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
