// Whether somebody else in this process traces a request already, which shows in the headers that he has put there. A header alone
// proves nothing, since functions pass on what they were sent: the tracer itself must be there too.

import type { Attributes, Span } from '@opentelemetry/api';
import type { Carrier, OutgoingTrace } from './propagation.ts';

/** `xray`: drawn in X-Ray by its SDK. `everywhere`: by a tracer with a backend of its own, or one that took our place. */
export type TracedBy = 'xray' | 'everywhere' | undefined;

type Globals = {
  readonly _ddtrace?: unknown;
  readonly __SENTRY__?: SentryCarrier;
  readonly process?: { readonly namespaces?: { readonly AWSXRay?: unknown } };
};

/** What @sentry/node keeps from version 8 on, by the version that `version` names. */
type SentryCarrier = { readonly version?: string } & Readonly<Record<string, unknown>>;
type SentryScopes = {
  readonly defaultCurrentScope?: { getClient(): { getOptions(): SentryOptions } | undefined };
};
type SentryOptions = { readonly tracesSampleRate?: unknown; readonly tracesSampler?: unknown };

export type Surroundings = {
  /** A tracer of the user's own has taken the place of ours. */
  readonly hasForeignTracer: boolean;
  /** The spans of ours that somebody may have found where the call is made. */
  readonly ourSpanIds: readonly (string | undefined)[];
};

export function tracedElsewhere(carrier: Carrier, trace: OutgoingTrace, surroundings: Surroundings): TracedBy {
  const { hasForeignTracer, ourSpanIds } = surroundings;
  const globals = globalThis as Globals;
  if (hasForeignTracer && ['traceparent', 'b3', 'x-b3-traceid'].some((name) => carrier.get(name) !== undefined)) {
    return 'everywhere';
  }
  if (globals._ddtrace !== undefined && carrier.get('x-datadog-trace-id') !== undefined) return 'everywhere';
  if (globals.__SENTRY__ !== undefined) {
    // Where it makes no span of the call, it hands on the one that it finds.
    const spanId = carrier.get('sentry-trace')?.split('-')[1];
    if (spanId !== undefined && !ourSpanIds.includes(spanId) && sendsSpans(globals.__SENTRY__)) return 'everywhere';
  }
  // aws-xray-sdk-core keeps its context there, in all versions.
  if (globals.process?.namespaces?.AWSXRay === undefined) return undefined;
  const header = carrier.get('x-amzn-trace-id');
  return header !== undefined && header !== trace.traceHeader ? 'xray' : undefined;
}

/** A tracer of the user's own has drawn the call of the SDK that this request belongs to; it need not look at requests. */
export function isTracedAsAwsCall(span: Span | undefined): boolean {
  const { attributes } = (span ?? {}) as { readonly attributes?: Attributes };
  return attributes?.['rpc.system'] === 'aws-api' || attributes?.['rpc.system.name'] === 'aws-api';
}

/** Most use it for errors alone; its header is in every request all the same. */
function sendsSpans(sentry: SentryCarrier): boolean {
  try {
    const scopes = sentry[sentry.version ?? ''] as SentryScopes | undefined;
    const options = scopes?.defaultCurrentScope?.getClient()?.getOptions();
    return options === undefined || options.tracesSampleRate != null || options.tracesSampler != null;
  } catch {
    return true;
  }
}
