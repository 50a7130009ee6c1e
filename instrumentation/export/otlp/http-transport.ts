// OTLP over HTTP (OpenTelemetry protocol specification, "OTLP/HTTP"): what is sent, over which client, and when a connection that
// was kept is not to be trusted. How a request travels is the client's.

import { wallNow } from '../../../runtime/untouched.ts';
import { type SigningOptions, signedHeaders } from '../aws/sigv4.ts';
import { type ProxyEnvironment, proxyFor } from '../proxy.ts';
import type { Transport } from './delivery.ts';
import { type AnswerDecoder, type HttpClient, type HttpHeaders, judgeAttempt, NO_ANSWER } from './http-verdict.ts';
import { NodeClient } from './node-client.ts';
import { SocketClient } from './socket-client.ts';
import type { TlsOptions } from './tls.ts';

export type HttpTransportOptions = {
  /** Full URL of the traces endpoint. */
  readonly url: URL;
  readonly contentType: 'application/x-protobuf' | 'application/json';
  /** Asked for every request: headers out of a secret come late. The same object means the same headers. */
  headers(): HttpHeaders;
  readonly compression: 'gzip' | 'none';
  readonly tls: TlsOptions;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` as Node's agents take them. */
  readonly proxyEnv?: ProxyEnvironment | undefined;
  /** Present: requests are signed for AWS. */
  readonly signing?: SigningOptions | undefined;
  readonly decodeAnswer: AnswerDecoder;
};

// Loaded when it is needed.
const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

/** Less than the shortest time after which load balancers drop idle connections (60 s), often without a word. */
const LONGEST_IDLE_MS = 50_000;

/** Compressing less than this saves no packet. */
const GZIP_FROM_BYTES = 1024;

/** Without TLS and proxies a socket is all that is needed: Node's own client takes half as much time again, and twice to begin. */
export const chooseClient = ({ url, tls, proxyEnv }: HttpTransportOptions): HttpClient =>
  url.protocol === 'http:' && (proxyEnv === undefined || proxyFor(url, proxyEnv) === undefined)
    ? new SocketClient(url)
    : new NodeClient(url, tls, proxyEnv);

export function createHttpTransport(
  options: HttpTransportOptions,
  client: HttpClient = chooseClient(options),
): Transport {
  const { url, contentType, signing, decodeAnswer } = options;
  const content = { 'content-type': contentType };
  const gzipContent = { ...content, 'content-encoding': 'gzip' };
  let lastUsedEpochMs = 0;
  /** What the present headers were made of: they seldom change. */
  let given: HttpHeaders | undefined;
  let plainHeaders: HttpHeaders = content;
  let gzipHeaders: HttpHeaders = gzipContent;

  const headersFor = (isCompressed: boolean): HttpHeaders => {
    const now = options.headers();
    if (now !== given) {
      const common = { 'user-agent': 'spanstrap', ...lowerCased(now) };
      plainHeaders = { ...common, ...content };
      gzipHeaders = { ...common, ...gzipContent };
      given = now;
    }
    return isCompressed ? gzipHeaders : plainHeaders;
  };

  return {
    async post(message, timeoutMs) {
      const startedEpochMs = wallNow();
      const isCompressed = options.compression === 'gzip' && message.length >= GZIP_FROM_BYTES;
      const body = isCompressed ? zlib().gzipSync(message, { level: 1 }) : message;
      let headers = headersFor(isCompressed);
      if (signing !== undefined) {
        try {
          const signed = await signedHeaders(signing, { url, headers: isCompressed ? gzipContent : content, body });
          headers = { ...headers, ...signed };
        } catch (error) {
          return { kind: 'later', error: `there are no AWS credentials to sign with: ${(error as Error).message}` };
        }
      }
      if (startedEpochMs - lastUsedEpochMs > LONGEST_IDLE_MS) client.close();
      let attempt = await client.send(headers, body, timeoutMs);
      lastUsedEpochMs = wallNow();
      let wasResent = false;
      // A connection kept over a freeze may be dead; one try on a fresh one settles it. A timer may be early, the time is up all the same.
      const hasBroken = attempt.error !== undefined && attempt.error.name !== NO_ANSWER;
      if (hasBroken && attempt.wasReused && lastUsedEpochMs < startedEpochMs + timeoutMs) {
        wasResent = attempt.hasLeft;
        attempt = await client.send(headers, body, startedEpochMs + timeoutMs - lastUsedEpochMs);
        lastUsedEpochMs = wallNow();
      }
      const verdict = judgeAttempt(attempt, decodeAnswer);
      return wasResent ? { ...verdict, wasResent } : verdict;
    },
  };
}

function lowerCased(headers: HttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
