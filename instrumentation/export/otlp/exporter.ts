// Spans to an OTLP/HTTP endpoint as protobuf (OpenTelemetry protocol specification, "OTLP/HTTP"). The official serializer
// makes the bytes; `node:http` sends them: undici would cost 12 MiB and 24 ms at its first request.

import { ClientRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { gzipSync } from 'node:zlib';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Exporter, ExportOutcome, SpanBatch } from '../exporter.ts';

export type OtlpExporterOptions = {
  /** Full URL of the traces endpoint. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly compression: 'gzip' | 'none';
};

/** The specification allows no other answer to be tried again. */
const RETRYABLE = new Set([429, 502, 503, 504]);

const { setTimeout, clearTimeout } = globalThis;
const wallNow = Date.now;

type Answer = { readonly status: number; readonly body: Buffer };
type Attempt = { readonly answer?: Answer; readonly error?: NodeJS.ErrnoException; readonly wasReused: boolean };

/** @throws Error when the URL is not one */
export function createOtlpExporter(options: OtlpExporterOptions): Exporter {
  const url = new URL(options.url);
  const isTls = url.protocol === 'https:';
  // For messages: without the user name and password that a URL may have.
  const address = url.origin + url.pathname;
  // One connection: flushes follow one another, and a frozen process keeps what it has open.
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const requestOptions = {
    agent,
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (isTls ? 443 : 80),
    path: url.pathname + url.search,
    method: 'POST',
    ...(url.username === '' ? {} : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
    headers: {
      'user-agent': 'spanstrap',
      ...options.headers,
      'content-type': 'application/x-protobuf',
      ...(options.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
    },
  };

  const attempt = async (body: Uint8Array, timeoutMs: number): Promise<Attempt> => {
    try {
      return await post(body, timeoutMs);
    } catch (error) {
      // Node refuses the request itself, such as a header with a line break.
      return { error: error as Error, wasReused: false };
    }
  };

  const post = (body: Uint8Array, timeoutMs: number): Promise<Attempt> =>
    new Promise((resolve) => {
      // Not `http.request`, which user code or its agents may have replaced.
      const request = new ClientRequest({
        ...requestOptions,
        headers: { ...requestOptions.headers, 'content-length': body.length },
      });
      const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const settle = (attempt: { answer?: Answer; error?: Error }): void => {
        clearTimeout(timer);
        resolve({ ...attempt, wasReused: request.reusedSocket });
      };
      request.on('error', (error) => settle({ error }));
      request.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => settle({ error }));
        response.on('aborted', () => settle({ error: new Error('the answer broke off') }));
        response.on('end', () => settle({ answer: { status: response.statusCode ?? 0, body: Buffer.concat(chunks) } }));
      });
      request.end(body);
    });

  return {
    name: 'otlp',
    async export(batches: readonly SpanBatch[], deadlineEpochMs: number): Promise<ExportOutcome> {
      const spans: ReadableSpan[] = [];
      for (const batch of batches) for (const span of batch.spans) spans.push(span);
      let message: Uint8Array | undefined;
      try {
        message = ProtobufTraceSerializer.serializeRequest(spans);
      } catch (error) {
        return { sentSpans: 0, droppedSpans: spans.length, error: `the spans could not be serialised: ${error}` };
      }
      if (message === undefined) return { sentSpans: 0, droppedSpans: spans.length, error: 'nothing was serialised' };
      const body = options.compression === 'gzip' ? gzipSync(message, { level: 1 }) : message;

      const until = Math.min(wallNow() + options.timeoutMs, deadlineEpochMs);
      let made = await attempt(body, Math.max(1, until - wallNow()));
      // A connection kept over a freeze may be dead; one try on a fresh one settles it.
      if (made.error !== undefined && made.wasReused && until > wallNow())
        made = await attempt(body, until - wallNow());
      const { answer, error } = made;
      if (answer === undefined) {
        const reason = error?.code === undefined ? error?.message : `${error.message} (${error.code})`;
        return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `${address}: ${reason}` };
      }
      if (answer.status >= 200 && answer.status < 300) return { sentSpans: spans.length, droppedSpans: 0 };
      const refusal = `${address} answered ${answer.status} ${answer.body.toString('utf8', 0, 200)}`.trimEnd();
      return RETRYABLE.has(answer.status)
        ? { sentSpans: 0, droppedSpans: 0, unsent: batches, error: refusal }
        : { sentSpans: 0, droppedSpans: spans.length, error: refusal };
    },
  };
}
