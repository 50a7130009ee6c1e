// Writes `X-Amzn-Trace-Id` on outgoing calls: Lambda's own header with the calling span as its parent, everything else in it
// verbatim. OpenTelemetry's propagator drops `Lineage`, which switches Lambda's detection of recursive calls off.

import { type Context, type TextMapPropagator, type TextMapSetter, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { type OutgoingTrace, XRAY_HEADER, xrayHeaderOf } from '../outgoing/propagation.ts';

type Trace = Pick<OutgoingTrace, 'xrayHeader' | 'isSampledForXray'>;

export class XrayPropagator implements TextMapPropagator {
  readonly #activeTrace: () => Trace | undefined;

  constructor(activeTrace: () => Trace | undefined) {
    this.#activeTrace = activeTrace;
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const outgoing = this.#activeTrace();
    if (outgoing === undefined || isTracingSuppressed(context) || hasHeader(carrier)) return;
    const value = xrayHeaderOf(outgoing, trace.getSpanContext(context));
    if (value !== undefined) setter.set(carrier, XRAY_HEADER, value);
  }

  /** What comes in is the runtime's to read. */
  extract(context: Context): Context {
    return context;
  }

  fields(): string[] {
    return [XRAY_HEADER];
  }
}

/** A header that user code or its SDK has set is theirs, and may be signed. */
function hasHeader(carrier: unknown): boolean {
  if (typeof carrier !== 'object' || carrier === null) return false;
  return Object.keys(carrier).some((name) => name.toLowerCase() === 'x-amzn-trace-id');
}
