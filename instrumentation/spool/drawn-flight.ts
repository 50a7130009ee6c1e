// The spans of an invocation drawn again from what was written down of it, for somebody who does not have them: the next process, or
// another thread of this one while the event loop is blocked.

import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { epochHrTime } from '../clock.ts';
import { attributesOf, statusOf } from '../export/abrupt-end.ts';
import type { AbruptEnd } from '../export/delivery.ts';
import type { XrayPlacement } from '../export/exporter.ts';
import { UNFINISHED } from '../export/span-snapshot.ts';
import type { FlightFacts } from '../flight-facts.ts';
import { KEPT_BECAUSE, type KeepReason } from '../keep-rules.ts';

const INTERNAL = 0;
const SERVER = 1;

/** An open span as it was written down. */
export type ListedSpan = readonly [
  name: string,
  kind: number,
  traceId: string,
  spanId: string,
  parentSpanId: string | null,
  startSeconds: number,
  startNanos: number,
];

export type FlightNotes = {
  readonly facts: FlightFacts;
  readonly open: readonly ListedSpan[];
};

export type DrawingScope = Pick<ReadableSpan, 'resource' | 'instrumentationScope'>;

export type DrawnFlight = {
  readonly requestId: string;
  readonly deadlineEpochMs: number;
  readonly startedEpochMs: number;
  readonly server: ReadableSpan;
  readonly invocation: ReadableSpan;
  readonly open: readonly ReadableSpan[];
  readonly xray: XrayPlacement | undefined;
  readonly isSampledForOtlp: boolean;
};

/** How it ended; undefined where it still runs: the spans have not ended then. */
export type Death = { readonly end: AbruptEnd; readonly epochMs: number } | undefined;

/** `added` goes to the invocation's own two spans. */
export function drawFlight(
  { facts, open }: FlightNotes,
  { resource, instrumentationScope }: DrawingScope,
  death: Death,
  added: Attributes = {},
): DrawnFlight {
  const [requestId, arn, name, startedEpochMs, deadlineEpochMs, traceId, serverSpanId, invocationSpanId] = facts;
  const [parentSpanId, xrayTraceId, xrayParentId, otlp] = facts.slice(8) as Tail;
  // Its calls have said what the sampler said.
  const traceFlags = otlp === true ? 1 : 0;
  const kept = typeof otlp === 'string' && { [KEPT_BECAUSE]: otlp };
  const contextOf = (spanId: string, ofTrace = traceId): SpanContext => ({ traceId: ofTrace, spanId, traceFlags });
  const span = (
    drawn: Pick<ReadableSpan, 'name' | 'kind' | 'startTime' | 'attributes'> &
      Partial<Pick<ReadableSpan, 'status' | 'parentSpanContext'>>,
    context: SpanContext,
  ): ReadableSpan => {
    const duration = death && since(drawn.startTime, epochHrTime(death.epochMs));
    return {
      status: { code: 0 },
      ...drawn,
      spanContext: () => context,
      endTime: duration === undefined ? [0, 0] : sum(drawn.startTime, duration),
      duration: duration ?? [0, 0],
      ended: death !== undefined,
      links: [],
      events: [],
      resource,
      instrumentationScope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  };
  const startTime = epochHrTime(startedEpochMs);
  const own = { [UNFINISHED]: true, ...(death && attributesOf(death.end)), ...added };
  const status = death && { status: statusOf(death.end) };
  const server = span(
    {
      name,
      kind: SERVER,
      startTime,
      ...status,
      ...(parentSpanId ? { parentSpanContext: { ...contextOf(parentSpanId), isRemote: true } } : {}),
      attributes: { 'faas.invocation_id': requestId, 'aws.lambda.invoked_arn': arn, ...own, ...kept },
    },
    contextOf(serverSpanId),
  );
  const invocation = span(
    {
      name: 'Invocation',
      kind: INTERNAL,
      startTime,
      ...status,
      parentSpanContext: contextOf(serverSpanId),
      attributes: own,
    },
    contextOf(invocationSpanId),
  );
  return {
    requestId,
    startedEpochMs,
    deadlineEpochMs,
    server,
    invocation,
    open: open.map(([name, kind, ofTrace, spanId, parentId, seconds, nanos]) =>
      span(
        {
          name,
          kind,
          startTime: [seconds, nanos],
          ...(parentId === null ? {} : { parentSpanContext: contextOf(parentId, ofTrace) }),
          attributes: { [UNFINISHED]: true },
        },
        contextOf(spanId, ofTrace),
      ),
    ),
    xray:
      xrayTraceId && xrayParentId
        ? { traceId: xrayTraceId, parentId: xrayParentId, serverSpanId, invocationSpanId }
        : undefined,
    isSampledForOtlp: otlp !== false,
  };
}

type Tail = [string | null, string | null, string | null, boolean | KeepReason];

/** Not before the start: clocks may have been set back. */
function since(start: HrTime, end: HrTime): HrTime {
  const nanos = Math.max(0, (end[0] - start[0]) * 1e9 + end[1] - start[1]);
  return [Math.floor(nanos / 1e9), nanos % 1e9];
}

function sum(start: HrTime, duration: HrTime): HrTime {
  const nanos = start[1] + duration[1];
  return [start[0] + duration[0] + Math.floor(nanos / 1e9), nanos % 1e9];
}
