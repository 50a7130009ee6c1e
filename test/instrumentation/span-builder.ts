// Hand-made records of OpenTelemetry's `ReadableSpan` shape: what a test does not name has a harmless value.

import type { Attributes, HrTime, Link, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

export const kinds = { INTERNAL: 0, SERVER: 1, CLIENT: 2, PRODUCER: 3, CONSUMER: 4 } as const;
export const UNSET = 0;
export const OK = 1;
export const ERROR = 2;

type TimedEvent = ReadableSpan['events'][number];

export type SpanDescription = {
  readonly name?: string;
  readonly kind?: SpanKind;
  /** 16 hex digits; a new one when absent. */
  readonly id?: string;
  readonly traceId?: string;
  /** The parent's id; absent: a root. */
  readonly parent?: string | undefined;
  readonly isParentRemote?: boolean;
  readonly start?: HrTime;
  readonly end?: HrTime;
  readonly ended?: boolean;
  /** As user code may set them: the types allow less than arrives. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly events?: readonly Partial<TimedEvent>[];
  readonly links?: readonly Link[];
  readonly status?: SpanStatus;
  readonly resource?: Readonly<Record<string, unknown>>;
  readonly droppedAttributesCount?: number;
};

export const TRACE_ID = '65f1a2b30123456789abcdef01234567';
export const START: HrTime = [1_710_334_643, 120_001_000];
export const END: HrTime = [1_710_334_643, 340_500_000];

let lastId = 0;

/** An id no other call gives. */
export function nextSpanId(): string {
  lastId += 1;
  return `5e${lastId.toString(16).padStart(14, '0')}`;
}

export function buildSpan(description: SpanDescription = {}): ReadableSpan {
  const traceId = description.traceId ?? TRACE_ID;
  const spanId = description.id ?? nextSpanId();
  const context = { traceId, spanId, traceFlags: 1 };
  const resourceAttributes = (description.resource ?? {}) as Attributes;
  const { parent } = description;
  return {
    name: description.name ?? 'work',
    kind: description.kind ?? kinds.INTERNAL,
    spanContext: () => context,
    ...(parent === undefined
      ? {}
      : {
          parentSpanContext: {
            traceId,
            spanId: parent,
            traceFlags: 1,
            ...(description.isParentRemote === undefined ? {} : { isRemote: description.isParentRemote }),
          },
        }),
    startTime: description.start ?? START,
    endTime: description.end ?? END,
    status: description.status ?? { code: UNSET },
    attributes: (description.attributes ?? {}) as Attributes,
    links: [...(description.links ?? [])],
    events: (description.events ?? []).map((event) => ({ name: 'event', time: START, attributes: {}, ...event })),
    duration: [0, 0],
    ended: description.ended ?? true,
    resource: { attributes: resourceAttributes } as ReadableSpan['resource'],
    instrumentationScope: { name: 'test' },
    droppedAttributesCount: description.droppedAttributesCount ?? 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** An `exception` event as `recordException` writes it. */
export const exceptionEvent = (error: Error): Partial<TimedEvent> => ({
  name: 'exception',
  attributes: {
    'exception.type': error.name,
    'exception.message': error.message,
    ...(error.stack === undefined ? {} : { 'exception.stacktrace': error.stack }),
  },
});
