// Chooses an invocation's place in its trace. OpenTelemetry and X-Ray may follow different parents: a W3C context of the caller
// leads OpenTelemetry, Lambda's own header always leads X-Ray, and where they differ each links to the other.

import type { Link, SpanContext } from '@opentelemetry/api';
import { createTraceId } from './ids.ts';
import { parseTraceHeader, type TraceHeader } from './trace-header.ts';
import { createTraceState } from './trace-state.ts';
import type { Carrier } from './triggers/trigger.ts';

/**
 * What OpenTelemetry spans make of Lambda's header. Its `Parent` usually names a segment that Lambda wrote itself, which only
 * X-Ray has: other backends then show an invocation with a missing parent. `keep` takes it as the parent all the same, `root` only
 * the trace id; with `lead` the header comes before every context of the event.
 */
export type XrayParentRule = 'keep' | 'root' | 'lead';

/** Formats of trace context, as `OTEL_PROPAGATORS` names them; `xray` is an X-Ray header anywhere, `xray-lambda` only Lambda's own. */
export type ContextFormat = 'tracecontext' | 'baggage' | 'xray' | 'xray-lambda' | 'b3' | 'b3multi' | 'datadog';

/** A context from elsewhere. */
export type RemoteContext = {
  readonly context: SpanContext;
  /** The sender's decision; undefined: it has made none. */
  readonly isSampled: boolean | undefined;
};

export type ContextRules = {
  readonly formats: ReadonlySet<ContextFormat>;
  readonly xrayParent: XrayParentRule;
  /** Reads what is neither W3C's nor X-Ray's; undefined: nothing of the kind is wanted. */
  readonly readForeign: ((carrier: Carrier) => RemoteContext | undefined) | undefined;
};

export type ContextSources = {
  /** `Lambda-Runtime-Trace-Id`, when it could be read. */
  readonly header: TraceHeader | undefined;
  /** Where the event has the context of its caller. */
  readonly carrier: Carrier | undefined;
  /** The context of the only message of the event, when that is wanted as the parent. */
  readonly message?: Carrier | undefined;
};

export type Parentage = {
  /** 32 hex digits, of the SERVER span. */
  readonly traceId: string;
  readonly parent: SpanContext | undefined;
  /** The parent's decision; undefined: there is none to follow. */
  readonly isParentSampled: boolean | undefined;
  readonly links: Link[];
  /** Lambda's header, when it could be read. */
  readonly header: TraceHeader | undefined;
  /** Text of the caller's W3C baggage. */
  readonly baggage: string | undefined;
};

const SAMPLED = 1;

/**
 * In this order: W3C, other formats that were asked for, X-Ray's header, a new trace. X-Ray comes last because Lambda always has a
 * header, made up by itself if need be: whoever came after it would never be heard. Of two X-Ray headers Lambda's is the nearer
 * one, unless the message's own is wanted as the parent.
 */
export function chooseParent({ header, carrier: caller, message }: ContextSources, rules: ContextRules): Parentage {
  const { formats, xrayParent } = rules;
  const carrier = message ?? caller;
  const carried = carrier && readCarrier(carrier, rules);
  const inEvent = formats.has('xray') ? parseTraceHeader(carrier?.get('x-amzn-trace-id')) : undefined;
  const ambient = formats.has('xray') || formats.has('xray-lambda') ? header : undefined;
  const isMessage = message !== undefined && inEvent !== undefined;
  const xray = isMessage ? inEvent : (ambient ?? inEvent);
  const baggage = formats.has('baggage') ? carrier?.get('baggage') : undefined;
  if (carried !== undefined && (xrayParent !== 'lead' || xray === undefined)) {
    const { context, isSampled } = carried;
    const links = linksTo(context.traceId, context, xray, ambient, inEvent);
    return { traceId: context.traceId, parent: context, isParentSampled: isSampled, links, header, baggage };
  }
  if (xray === undefined) {
    return { traceId: createTraceId(), parent: undefined, isParentSampled: undefined, links: [], header, baggage };
  }
  const parent = isMessage || xrayParent !== 'root' ? contextOf(xray) : undefined;
  // With the default tracing mode every header says 0, whatever the caller wants: that is no decision.
  const isParentSampled = parent !== undefined && xray.sampled === true ? true : undefined;
  const links = linksTo(xray.traceId, carried?.context, xray, ambient, inEvent);
  return { traceId: xray.traceId, parent, isParentSampled, links, header, baggage };
}

/** The context that a carrier has in one of the wanted formats, for a link: W3C first, X-Ray last. */
export function readContext(carrier: Carrier, rules: ContextRules): SpanContext | undefined {
  const carried = readCarrier(carrier, rules);
  if (carried !== undefined) return carried.context;
  const header = rules.formats.has('xray') ? parseTraceHeader(carrier.get('x-amzn-trace-id')) : undefined;
  return header && contextOf(header);
}

function readCarrier(carrier: Carrier, { formats, readForeign }: ContextRules): RemoteContext | undefined {
  const context = formats.has('tracecontext') ? readTraceparent(carrier.get('traceparent')) : undefined;
  if (context === undefined) return readForeign?.(carrier);
  const traceState = createTraceState(carrier.get('tracestate'));
  if (traceState !== undefined) context.traceState = traceState;
  return { context, isSampled: (context.traceFlags & SAMPLED) === SAMPLED };
}

/** One link for each trace that is not `followed`: to the first of these that names it. */
function linksTo(
  followed: string,
  carried: SpanContext | undefined,
  xray: TraceHeader | undefined,
  ambient: TraceHeader | undefined,
  inEvent: TraceHeader | undefined,
): Link[] {
  const links: Link[] = [];
  if (carried !== undefined && carried.traceId !== followed) links.push({ context: carried });
  addLink(links, followed, xray);
  addLink(links, followed, ambient);
  addLink(links, followed, inEvent);
  return links;
}

function addLink(links: Link[], followed: string, header: TraceHeader | undefined): void {
  if (header === undefined || header.traceId === followed) return;
  const context = contextOf(header);
  if (context === undefined || links.some((link) => link.context.traceId === header.traceId)) return;
  links.push({ context });
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
