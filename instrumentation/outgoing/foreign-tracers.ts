// Whether somebody else in this process traces a request already, which shows in the headers that he has put there. A header alone
// proves nothing, since functions pass on what they were sent: the tracer itself must be there too.

import type { Carrier, OutgoingTrace } from './propagation.ts';

/** `xray`: drawn in X-Ray by its SDK. `everywhere`: by a tracer with a backend of its own, or one that took our place. */
export type TracedBy = 'xray' | 'everywhere' | undefined;

type Globals = {
  readonly _ddtrace?: unknown;
  readonly __SENTRY__?: unknown;
  readonly process?: { readonly namespaces?: { readonly AWSXRay?: unknown } };
};

export function tracedElsewhere(carrier: Carrier, trace: OutgoingTrace, hasForeignTracer: boolean): TracedBy {
  const globals = globalThis as Globals;
  if (hasForeignTracer && ['traceparent', 'b3', 'x-b3-traceid'].some((name) => carrier.get(name) !== undefined)) {
    return 'everywhere';
  }
  if (globals._ddtrace !== undefined && carrier.get('x-datadog-trace-id') !== undefined) return 'everywhere';
  if (globals.__SENTRY__ !== undefined && carrier.get('sentry-trace') !== undefined) return 'everywhere';
  // aws-xray-sdk-core keeps its context there, in all versions.
  if (globals.process?.namespaces?.AWSXRay === undefined) return undefined;
  const header = carrier.get('x-amzn-trace-id');
  return header !== undefined && header !== trace.traceHeader ? 'xray' : undefined;
}
