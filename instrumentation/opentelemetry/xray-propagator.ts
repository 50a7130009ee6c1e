// Writes `X-Amzn-Trace-Id` on outgoing calls: Lambda's own header with the calling span as its parent, everything else in it
// verbatim. OpenTelemetry's propagator drops `Lineage`, which switches Lambda's detection of recursive calls off.

import {
  type Context,
  isSpanContextValid,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { parseTraceHeader, withParent } from '../trace-header.ts';

const HEADER = 'X-Amzn-Trace-Id';

export type OutgoingTrace = {
  /** Lambda's header as received; undefined: X-Ray knows nothing of this invocation. */
  readonly xrayHeader: string | undefined;
  /** The spans of this invocation have documents in X-Ray, so their ids can be parents there. */
  readonly isSampledForXray: boolean;
};

export class XrayPropagator implements TextMapPropagator {
  readonly #activeTrace: () => OutgoingTrace | undefined;

  constructor(activeTrace: () => OutgoingTrace | undefined) {
    this.#activeTrace = activeTrace;
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const outgoing = this.#activeTrace();
    const header = parseTraceHeader(outgoing?.xrayHeader);
    if (outgoing === undefined || header === undefined || isTracingSuppressed(context) || hasHeader(carrier)) return;
    const spanContext = trace.getSpanContext(context);
    const ownsParent = outgoing.isSampledForXray && spanContext !== undefined && isSpanContextValid(spanContext);
    setter.set(carrier, HEADER, ownsParent ? withParent(header, spanContext.spanId) : header.text);
  }

  /** What comes in is the runtime's to read. */
  extract(context: Context): Context {
    return context;
  }

  fields(): string[] {
    return [HEADER];
  }
}

/** A header that user code or its SDK has set is theirs, and may be signed. */
function hasHeader(carrier: unknown): boolean {
  if (typeof carrier !== 'object' || carrier === null) return false;
  return Object.keys(carrier).some((name) => name.toLowerCase() === 'x-amzn-trace-id');
}
