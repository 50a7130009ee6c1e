// Chooses an invocation's place in its trace. OpenTelemetry and X-Ray may follow different parents: a W3C context of the caller
// leads OpenTelemetry, Lambda's own header always leads X-Ray, and where they differ each links to the other.

import type { Link, SpanContext } from '@opentelemetry/api';
import { createTraceId } from './ids.ts';
import { parseTraceHeader, type TraceHeader } from './trace-header.ts';
import type { Carrier } from './triggers/trigger.ts';

/**
 * Whether OpenTelemetry spans keep the X-Ray header's `Parent` as their parent. It usually names a segment that Lambda wrote
 * itself, which only X-Ray has: other backends then show an invocation with a missing parent.
 */
export type XrayParentRule = 'keep' | 'root';

export type Parentage = {
  /** 32 hex digits, of the SERVER span. */
  readonly traceId: string;
  readonly parent: SpanContext | undefined;
  readonly links: Link[];
  /** Lambda's header, when it could be read. */
  readonly header: TraceHeader | undefined;
};

const SAMPLED = 1;

/** W3C first, then Lambda's header, then an X-Ray header inside the event, then a new trace. */
export function chooseParent(
  lambdaHeader: string | undefined,
  carrier: Carrier | undefined,
  rule: XrayParentRule,
): Parentage {
  const header = parseTraceHeader(lambdaHeader);
  const w3c = readTraceparent(carrier?.get('traceparent'));
  if (w3c !== undefined) {
    const xray = header === undefined ? undefined : contextOf(header);
    const links = xray !== undefined && xray.traceId !== w3c.traceId ? [{ context: xray }] : [];
    return { traceId: w3c.traceId, parent: w3c, links, header };
  }
  const source = header ?? parseTraceHeader(carrier?.get('x-amzn-trace-id'));
  if (source === undefined) return { traceId: createTraceId(), parent: undefined, links: [], header };
  const parent = rule === 'keep' ? contextOf(source) : undefined;
  return { traceId: source.traceId, parent, links: [], header };
}

function contextOf(header: TraceHeader): SpanContext | undefined {
  if (header.parentId === undefined) return undefined;
  return {
    traceId: header.traceId,
    spanId: header.parentId,
    traceFlags: header.sampled === true ? SAMPLED : 0,
    isRemote: true,
  };
}

const TRACEPARENT = /^\s?(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?\s?$/;

/** Reads a `traceparent` header (W3C Trace Context, level 1, section 3.2); undefined when it is not one. */
export function readTraceparent(text: string | undefined): SpanContext | undefined {
  if (text === undefined || text.length < 55) return undefined;
  const match = TRACEPARENT.exec(text);
  if (match === null || (match[1] === '00' && match[5] !== undefined)) return undefined;
  return { traceId: match[2]!, spanId: match[3]!, traceFlags: Number.parseInt(match[4]!, 16), isRemote: true };
}
