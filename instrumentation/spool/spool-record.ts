// One line of the spool: spans of one invocation for one destination, as JSON behind its checksum. A line that was torn by the death
// of the process, or altered since, does not match and is skipped by whoever reads.

import type { HrTime, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { parseJson, stringifyJson } from '../../runtime/untouched.ts';
import type { SpanBatch, XrayPlacement } from '../export/exporter.ts';
import { usableLinks } from '../export/usable-links.ts';
import type { AccountName } from '../span-counts.ts';

// Loaded with the first record: it costs 2 ms, and most processes leave none.
const crc32 = (text: string): number => process.getBuiltinModule('node:zlib').crc32(text);

/** What all spans of a process share, and a spool therefore does not hold. */
export type SpanSurroundings = Pick<ReadableSpan, 'resource'>;

export type SpoolRecord = {
  readonly to: AccountName;
  readonly batch: SpanBatch;
};

type PlainSpan = {
  readonly name: string;
  readonly kind: number;
  readonly context: SpanContext;
  readonly parent?: SpanContext | undefined;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly status: SpanStatus;
  readonly attributes: ReadableSpan['attributes'];
  readonly links: ReadableSpan['links'];
  readonly events: ReadableSpan['events'];
  readonly dropped: readonly [attributes: number, events: number, links: number];
  readonly scope: ReadableSpan['instrumentationScope'];
};

type PlainRecord = {
  readonly to: AccountName;
  readonly xray?: XrayPlacement | undefined;
  readonly spans: readonly PlainSpan[];
};

/** A line with its line break. */
export function encodeRecord({ to, batch }: SpoolRecord): string {
  const plain: PlainRecord = { to, xray: batch.xray, spans: batch.spans.map(toPlain) };
  const json = stringifyJson(plain);
  return `${crc32(json).toString(16)} ${json}\n`;
}

/** undefined: the line is torn, or nobody wrote it for this. */
export function decodeRecord(line: string, surroundings: SpanSurroundings): SpoolRecord | undefined {
  try {
    const space = line.indexOf(' ');
    const json = line.slice(space + 1);
    if (line.slice(0, space) !== crc32(json).toString(16)) return undefined;
    const { to, xray, spans } = parseJson(json) as PlainRecord;
    if ((to !== 'xray' && to !== 'otlp') || !Array.isArray(spans)) return undefined;
    const batch = {
      spans: spans.map((span) => fromPlain(span, surroundings)),
      xray: to === 'xray' ? xray : undefined,
      isSampledForOtlp: to === 'otlp',
    };
    return { to, batch };
  } catch {
    return undefined;
  }
}

function toPlain(span: ReadableSpan): PlainSpan {
  return {
    name: span.name,
    kind: span.kind,
    context: plainContext(span.spanContext()),
    parent: span.parentSpanContext && plainContext(span.parentSpanContext),
    start: span.startTime,
    end: span.endTime,
    status: span.status,
    attributes: span.attributes,
    links: usableLinks(span).map((link) => ({ ...link, context: plainContext(link.context) })),
    events: span.events,
    dropped: [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount],
    scope: span.instrumentationScope,
  };
}

/** Without the trace state, which is an object with methods. */
function plainContext({ traceId, spanId, traceFlags, isRemote }: SpanContext): SpanContext {
  return isRemote === undefined ? { traceId, spanId, traceFlags } : { traceId, spanId, traceFlags, isRemote };
}

function fromPlain(plain: PlainSpan, { resource }: SpanSurroundings): ReadableSpan {
  const { name, kind, context, parent, start, end, status, attributes, links, events, dropped, scope } = plain;
  const nanos = (end[0] - start[0]) * 1e9 + end[1] - start[1];
  return {
    name,
    kind,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parent }),
    startTime: start,
    endTime: end,
    status,
    attributes,
    links,
    events,
    duration: [Math.floor(nanos / 1e9), nanos % 1e9],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: dropped[0],
    droppedEventsCount: dropped[1],
    droppedLinksCount: dropped[2],
  };
}
