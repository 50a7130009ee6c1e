// How the phases of an invocation stand in the X-Ray picture, by mode. Source: Lambda Developer Guide, "Visualize Lambda function
// invocations using AWS X-Ray".

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { XrayPlacement } from '../exporter.ts';

/**
 * `phases`: own `Initialization`, `Invocation` and `Overhead`. `prefixed`: the same under names that Lambda's own do not have.
 * `attach`: no phases, everything below them hangs directly under the header's `Parent`. `segment`: the phases inside a segment
 * of our own, for functions that Lambda writes none for.
 */
export type XrayMode = 'phases' | 'prefixed' | 'attach' | 'segment';

const PREFIXED_NAMES: Readonly<Record<string, string>> = {
  Initialization: 'Runtime init',
  Invocation: 'Handler',
  Overhead: 'Runtime overhead',
};

/** The name of a phase's subsegment, which no attribute changes; undefined for any other span. */
export function phaseNameOf(span: ReadableSpan, placement: XrayPlacement, mode: XrayMode): string | undefined {
  if (!isPhase(span, placement)) return undefined;
  return (mode === 'prefixed' ? PREFIXED_NAMES[span.name] : undefined) ?? span.name;
}

/** The spans that get a subsegment. In `attach` neither the phases do nor the steps of an init. */
export function drawnSpans(
  spans: readonly ReadableSpan[],
  placement: XrayPlacement,
  mode: XrayMode,
): readonly ReadableSpan[] {
  if (mode !== 'attach') return spans;
  const initIds = new Set<string>();
  for (const span of spans) {
    if (span.name === 'Initialization' && isPhase(span, placement)) initIds.add(span.spanContext().spanId);
  }
  return spans.filter(
    (span) => !isPhase(span, placement) && !initIds.has(span.parentSpanContext?.spanId ?? placement.serverSpanId),
  );
}

function isPhase(span: ReadableSpan, { invocationSpanId, serverSpanId }: XrayPlacement): boolean {
  if (span.spanContext().spanId === invocationSpanId) return true;
  return span.parentSpanContext?.spanId === serverSpanId && Object.hasOwn(PREFIXED_NAMES, span.name);
}
