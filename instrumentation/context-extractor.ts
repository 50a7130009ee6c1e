// Calls the function with which a user finds the trace context in events that nobody else can read, and makes a carrier of what it
// returns. Its failures cost one line, never an invocation.

import { type Context, type SpanContext, trace } from '@opentelemetry/api';
import type { Invocation } from '../runtime/lifecycle.ts';
import type { ContextExtractor } from './recording.ts';
import type { Carrier } from './triggers/trigger.ts';

/** What the function is told beside the event: fields of the context that handlers get. */
export type ExtractorContext = {
  readonly awsRequestId: string;
  readonly invokedFunctionArn: string;
  /** Parsed; undefined when the caller gave none. */
  readonly clientContext: unknown;
};

export type UserExtractor = (event: unknown, context: ExtractorContext) => unknown;

export function createContextExtractor(extract: UserExtractor, report: (message: string) => void): ContextExtractor {
  let isReported = false;
  const fail = (problem: string): undefined => {
    if (!isReported) report(`the context extractor ${problem}; invocations are traced without it`);
    isReported = true;
  };
  return (event, invocation) => {
    try {
      const extracted = extract(event, contextOf(invocation));
      if (extracted instanceof Promise) {
        extracted.catch(() => {});
        return fail('returned a promise, which nobody can wait for before the handler');
      }
      const carrier = carrierOf(extracted);
      return carrier && { get: (name) => attempt(() => carrier.get(name), fail) };
    } catch (error) {
      return fail(`failed: ${error}`);
    }
  };
}

function attempt<T>(work: () => T, fail: (problem: string) => undefined): T | undefined {
  try {
    return work();
  } catch (error) {
    return fail(`returned what cannot be read: ${error}`);
  }
}

function contextOf({ requestId, invokedFunctionArn, clientContextJson }: Invocation): ExtractorContext {
  return {
    awsRequestId: requestId,
    invokedFunctionArn,
    get clientContext() {
      return clientContextJson === undefined ? undefined : JSON.parse(clientContextJson);
    },
  };
}

/**
 * Headers in an object, a `Map` (names in lower case) or `Headers`, an OpenTelemetry context, or a span context.
 * undefined: it has found nothing.
 */
function carrierOf(extracted: unknown): Carrier | undefined {
  if (typeof extracted !== 'object' || extracted === null) return undefined;
  const given = extracted as Partial<Context & SpanContext & Carrier>;
  if (typeof given.getValue === 'function') return carrierOfContext(trace.getSpanContext(extracted as Context));
  if (typeof given.traceId === 'string' && typeof given.spanId === 'string')
    return carrierOfContext(given as SpanContext);
  if (typeof given.get === 'function') {
    return { get: (name) => textOf((extracted as { get(name: string): unknown }).get(name)) };
  }
  const headers = new Map(Object.entries(extracted).map(([name, value]) => [name.toLowerCase(), value]));
  return { get: (name) => textOf(headers.get(name)) };
}

function carrierOfContext(context: SpanContext | undefined): Carrier | undefined {
  if (context === undefined) return undefined;
  const { traceId, spanId, traceFlags = 0, traceState } = context;
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  const headers: Record<string, string | undefined> = { traceparent, tracestate: traceState?.serialize() };
  return { get: (name) => headers[name] };
}

function textOf(value: unknown): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first !== '' ? first : undefined;
}
