// The headers with which an outgoing call hands its trace on: W3C Trace Context and Baggage, and Lambda's `X-Amzn-Trace-Id`. What
// somebody else has set stays as it is. Written without OpenTelemetry so that an invocation that is not recorded need not load
// it; its propagators are the oracle in the tests.

import type { Context, SpanContext } from '@opentelemetry/api';
import { parseTraceHeader, withParent } from '../trace-header.ts';

/** What calls of one invocation continue in X-Ray. */
export type OutgoingTrace = {
  /** Lambda's header as received; undefined: X-Ray knows nothing of this invocation. */
  readonly xrayHeader: string | undefined;
  /** The spans of this invocation have documents in X-Ray, so their ids can be parents there. */
  readonly isSampledForXray: boolean;
  /** What user code got as `_X_AMZN_TRACE_ID`: the AWS SDK sends it on as it is. */
  readonly traceHeader: string | undefined;
  /** What `OTEL_PROPAGATORS` names; absent: W3C's headers and X-Ray's. */
  readonly formats?: ReadonlySet<string>;
  /** A propagator of the user's own: it writes what would be written in OpenTelemetry's formats. Never throws. */
  readonly inject?: ((carrier: Carrier, context: Context, spanContext: SpanContext | undefined) => void) | undefined;
};

/** The headers of one call, before they are sent. Names are in lower case where they are looked up. */
export interface Carrier {
  get(name: string): string | undefined;
  /** Adds a header, or replaces the one of that name. Does nothing when it is too late. */
  set(name: string, value: string): void;
}

export const XRAY_HEADER = 'X-Amzn-Trace-Id';
const B3_HEADERS = ['X-B3-TraceId', 'X-B3-SpanId', 'X-B3-Sampled'];
const DEFAULT_FORMATS: ReadonlySet<string> = new Set(['tracecontext', 'baggage', 'xray']);

/** The key under which every copy of `@opentelemetry/api` 1.x keeps the baggage. */
const BAGGAGE_KEY = Symbol.for('OpenTelemetry Baggage Key');

type BaggageEntries = {
  readonly receivedText?: unknown;
  getAllEntries(): [string, { value: string; metadata?: { toString(): string } }][];
};

const INVALID_TRACE_ID = '0'.repeat(32);
const INVALID_SPAN_ID = '0'.repeat(16);

export const isValidSpanContext = (context: SpanContext | undefined): context is SpanContext =>
  context !== undefined && context.traceId !== INVALID_TRACE_ID && context.spanId !== INVALID_SPAN_ID;

/**
 * Writes the headers for a call that is made in `context` and that `spanContext` stands for; what is there already, or signed,
 * stays.
 */
export function handOn(
  carrier: Carrier,
  context: Context,
  spanContext: SpanContext | undefined,
  trace: OutgoingTrace,
): void {
  const signed = signedHeaders(carrier.get('authorization'));
  const { formats = DEFAULT_FORMATS } = trace;
  if (trace.inject === undefined) writeFormats(carrier, context, spanContext, formats, signed);
  else trace.inject(withoutXray(carrier, signed), context, spanContext);
  const present = carrier.get('x-amzn-trace-id');
  // The AWS SDK's echo of what we told it names the invocation; the call itself is nearer.
  if (signed.includes('x-amzn-trace-id') || (present !== undefined && present !== trace.traceHeader)) return;
  // Where X-Ray is drawn its own trace goes on, whatever OpenTelemetry's is made of.
  if (!trace.isSampledForXray && !formats.has('xray') && !formats.has('xray-lambda')) return;
  const value = xrayHeaderOf(trace, spanContext);
  if (value !== undefined && value !== present) carrier.set(XRAY_HEADER, value);
}

/** OpenTelemetry's formats, as far as they are wanted. */
function writeFormats(
  carrier: Carrier,
  context: Context,
  spanContext: SpanContext | undefined,
  formats: ReadonlySet<string>,
  signed: readonly string[],
): void {
  const isValid = isValidSpanContext(spanContext);
  if (isValid && formats.has('tracecontext') && isFree(carrier, 'traceparent', signed)) {
    carrier.set('traceparent', traceparentOf(spanContext));
    const state = spanContext.traceState?.serialize();
    if (state) add(carrier, 'tracestate', state, signed);
  }
  if (isValid && formats.has('b3')) add(carrier, 'b3', b3Of(spanContext).join('-'), signed);
  if (isValid && formats.has('b3multi') && isFree(carrier, 'x-b3-traceid', signed)) {
    for (const [at, value] of b3Of(spanContext).entries()) carrier.set(B3_HEADERS[at]!, value);
  }
  if (!formats.has('baggage')) return;
  const baggage = baggageOf(context);
  if (baggage !== '') add(carrier, 'baggage', baggage, signed);
}

const isFree = (carrier: Carrier, name: string, signed: readonly string[]): boolean =>
  carrier.get(name) === undefined && !signed.includes(name);

/** RFC 9110, section 5.5. What user code puts into baggage and trace state may be anything. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What cannot stand in a header is left out: Node would throw, or a line end make two headers of it. */
function add(carrier: Carrier, name: string, value: string, signed: readonly string[]): void {
  if (HEADER_TEXT.test(value) && isFree(carrier, name.toLowerCase(), signed)) carrier.set(name, value);
}

/** Lambda's header is handed on by us, with everything that is in it. */
const withoutXray = (carrier: Carrier, signed: readonly string[]): Carrier => ({
  get: (name) => carrier.get(name),
  set(name, value) {
    if (name.toLowerCase() !== 'x-amzn-trace-id') add(carrier, name, value, signed);
  },
});

/** Lambda's header with the calling span as its parent, if X-Ray will know that span, and everything else in it verbatim. */
export function xrayHeaderOf(
  trace: Pick<OutgoingTrace, 'xrayHeader' | 'isSampledForXray'>,
  spanContext: SpanContext | undefined,
): string | undefined {
  const header = parseTraceHeader(trace.xrayHeader);
  if (header === undefined) return undefined;
  return trace.isSampledForXray && isValidSpanContext(spanContext)
    ? withParent(header, spanContext.spanId)
    : header.text;
}

export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${Number(traceFlags || 0).toString(16)}`;

const b3Of = ({ traceId, spanId, traceFlags }: SpanContext): string[] => [
  traceId,
  spanId,
  String((traceFlags || 0) & 1),
];

const NONE: readonly string[] = [];

/** The `SignedHeaders` of an AWS signature (version 4 and 4A); empty when there is none. */
function signedHeaders(authorization: string | undefined): readonly string[] {
  if (authorization === undefined || !authorization.startsWith('AWS4-')) return NONE;
  return (/SignedHeaders=([^,\s]*)/.exec(authorization)?.[1] ?? '').split(';');
}

const MAX_BAGGAGE_PAIRS = 180;
const MAX_BAGGAGE_PAIR_CHARS = 4096;
const MAX_BAGGAGE_CHARS = 8192;

/** W3C Baggage, section 3.2; the limits are OpenTelemetry's. */
export function baggageOf(context: Context): string {
  const baggage = context.getValue(BAGGAGE_KEY) as BaggageEntries | undefined;
  // A caller's, of which nobody has changed anything.
  if (typeof baggage?.receivedText === 'string') return baggage.receivedText;
  if (baggage === undefined) return '';
  let text = '';
  let count = 0;
  for (const [key, { value, metadata }] of baggage.getAllEntries()) {
    const suffix = metadata === undefined ? '' : `;${metadata.toString()}`;
    // Half of a surrogate pair, as a text has that was cut, cannot be encoded.
    const pair = `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(String(value).toWellFormed())}${suffix}`;
    if (!HEADER_TEXT.test(pair)) continue;
    if (pair.length > MAX_BAGGAGE_PAIR_CHARS) continue;
    if (++count > MAX_BAGGAGE_PAIRS) break;
    const longer = text === '' ? pair : `${text},${pair}`;
    if (longer.length <= MAX_BAGGAGE_CHARS) text = longer;
  }
  return text;
}
