// Copies of spans that have not ended: as they are now, or ended in their place because nobody else will.

import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** What tells a span that was ended by the runtime from one that ended itself. */
export const UNFINISHED = 'spanstrap.unfinished';

/** The span as it is now; what happens to it later changes nothing here. `added` wins over its own attributes. */
export function openSnapshot(
  span: ReadableSpan & { readonly xrayParentId?: string | undefined },
  added: Attributes = {},
): ReadableSpan & { readonly xrayParentId?: string } {
  const spanContext = span.spanContext();
  return {
    ...(span.xrayParentId === undefined ? {} : { xrayParentId: span.xrayParentId }),
    name: span.name,
    kind: span.kind,
    spanContext: () => spanContext,
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: span.status,
    attributes: { ...span.attributes, ...added },
    links: [...span.links],
    events: [...span.events],
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

/** The span as if it had ended at `endTime`, or at its start when that is later, and marked as unfinished. */
export function endedSnapshot(span: ReadableSpan, endTime: HrTime, added: Attributes = {}): ReadableSpan {
  const isAfterStart = endTime[0] - span.startTime[0] || endTime[1] - span.startTime[1];
  const end = isAfterStart > 0 ? endTime : span.startTime;
  const nanos = (end[0] - span.startTime[0]) * 1e9 + end[1] - span.startTime[1];
  return {
    ...openSnapshot(span, { [UNFINISHED]: true, ...added }),
    endTime: end,
    duration: [Math.floor(nanos / 1e9), nanos % 1e9],
    ended: true,
  };
}
