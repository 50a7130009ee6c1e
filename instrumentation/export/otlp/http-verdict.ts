// What an answer over HTTP, or its absence, says about the spans that were sent (OpenTelemetry protocol specification, "OTLP/HTTP
// Response"), whichever client asked.

import { RealDate, wallNow } from '../../../runtime/untouched.ts';
import type { Verdict } from './delivery.ts';
import { type PartialSuccess, taken } from './partial-success.ts';

export type HttpHeaders = Readonly<Record<string, string>>;

export type HttpAnswer = {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** As much of it as is kept. */
  readonly body: Buffer;
};

/** What became of one request on one connection. */
export type HttpAttempt = {
  readonly answer: HttpAnswer | undefined;
  /** Present when there is no answer. */
  readonly error: NodeJS.ErrnoException | undefined;
  readonly wasReused: boolean;
  /** All of the request had left when it failed. */
  readonly hasLeft: boolean;
};

/** Makes POST requests to one URL, one at a time, over one connection that is kept. */
export interface HttpClient {
  /** Settles within `timeoutMs`. Header names are in lower case. Rejects when the request cannot even be made. */
  send(headers: HttpHeaders, body: Uint8Array, timeoutMs: number): Promise<HttpAttempt>;
  /** Closes the connection; the next request opens another. */
  close(): void;
}

/** What the receiver says of a request it took. */
export type AnswerDecoder = (body: Uint8Array) => PartialSuccess;

/** An answer larger than this is not OTLP: what is beyond it is not kept. */
export const LONGEST_ANSWER_BYTES = 65_536;

/** `HTTP/1.1 200 ` */
export const STATUS_LINE_CHARS = 13;

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

const NO_BYTES = Buffer.alloc(0);

/** The name of the error: asked for instead of the class, of which each bundle has its own. */
export const NO_ANSWER = 'NoAnswer';

export class NoAnswer extends Error {
  override readonly name = NO_ANSWER;

  constructor(timeoutMs: number) {
    super(`no answer within ${Math.round(timeoutMs)} ms`);
  }
}

/** Of an answer that broke off before its head was complete: the status line says what became of the request. */
export function readStatusLine(text: string): HttpAnswer | undefined {
  const digits = /^HTTP\/1\.[01] ([2-5]\d\d) /.exec(text)?.[1];
  return digits === undefined ? undefined : { status: Number(digits), retryAfter: undefined, body: NO_BYTES };
}

export function judgeAttempt(attempt: HttpAttempt, decode: AnswerDecoder): Verdict {
  return attempt.answer === undefined ? judgeFailure(attempt) : judgeAnswer(attempt.answer, decode);
}

function judgeFailure({ error, hasLeft }: HttpAttempt): Verdict {
  const { code, message } = error!;
  const text = code === undefined || message.includes(code) ? message : `${message} (${code})`;
  const kind = code !== undefined && TRANSIENT.has(code) ? 'again' : 'later';
  return hasLeft ? { kind, error: text, mayHaveArrived: true } : { kind, error: text };
}

function judgeAnswer({ status, retryAfter, body }: HttpAnswer, decode: AnswerDecoder): Verdict {
  if (status >= 200 && status < 300) return taken(() => (body.length === 0 ? {} : decode(body)));
  // Protobuf answers have a text among control characters: what can be read of it says why.
  const reason = body.toString('utf8', 0, 200).replace(/[^\x20-\x7e]+/g, ' ');
  const error = `answered ${status} ${reason}`.trimEnd();
  if (status === 413) return { kind: 'too large', error };
  if (!RETRYABLE.has(status)) return { kind: 'refused', error };
  const afterMs = readRetryAfter(retryAfter);
  return afterMs === undefined ? { kind: 'again', error } : { kind: 'again', error, afterMs };
}

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now. Of several headers joined with commas the first counts. */
export function readRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\s*(\d+)\s*(?:,|$)/.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  const at = RealDate.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallNow());
}
