// One span that tells of an invocation whose own spans may never come. It stays beside them when they do.

import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createSpanId } from '../ids.ts';
import { endedSnapshot } from './span-snapshot.ts';

/** Of open spans, on the marker. */
const NAMED_SPANS = 50;

export function timeoutMarker(
  handler: ReadableSpan,
  open: Iterable<ReadableSpan>,
  at: HrTime,
  attributes: Attributes,
): ReadableSpan {
  const { traceId, spanId, traceFlags } = handler.spanContext();
  const context = { traceId, spanId: createSpanId(), traceFlags };
  return {
    ...endedSnapshot(handler, at, {
      'spanstrap.open_spans': [...open].slice(0, NAMED_SPANS).map(({ name }) => name),
      ...attributes,
    }),
    name: 'Timeout imminent',
    spanContext: () => context,
    parentSpanContext: { traceId, spanId, traceFlags },
    events: [{ name: 'timeout_imminent', time: at, attributes: {} }],
  };
}
