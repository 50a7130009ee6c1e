// One shape for what X-Ray documents and OTLP spans say about a trace, and the tree they form. Pure; drawing is waterfall.ts.

import type { ReceivedSpan } from './sinks/otlp-sink.ts';
import type { XrayDocument } from './sinks/xray-sink.ts';

export type TraceSpan = {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly name: string;
  /** A few words beside the name: `GET 503`, `GetItem 200`, `SELECT`. Empty when there is nothing to say. */
  readonly note: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  /** undefined while it is in progress. */
  readonly endMs: number | undefined;
  readonly isError: boolean;
};

export type TraceNode = { readonly span: TraceSpan; readonly children: readonly TraceNode[] };

/** The spans in documents, embedded ones included. A complete document replaces one in progress with the same id. */
export function spansOfDocuments(documents: readonly XrayDocument[]): TraceSpan[] {
  const spans = new Map<string, TraceSpan>();
  const add = (document: XrayDocument, parentId: string | undefined): void => {
    const { id, name, start_time: start, end_time: end, http } = document;
    const isError = Boolean(document.error || document.fault || document.throttle);
    const done = verbOf(document) ?? http?.request?.method;
    const note = words(done, http?.response?.status, document.throttle && 'throttled');
    if (end !== undefined || !spans.has(id)) {
      const endMs = end === undefined ? undefined : end * 1000;
      spans.set(id, { id, parentId, name, note, startMs: start * 1000, endMs, isError });
    }
    for (const child of document.subsegments ?? []) add(child, id);
  };
  for (const document of documents) add(document, document.parent_id);
  return [...spans.values()];
}

/** What was done there, where it is more than a request. */
function verbOf({ aws, sql }: XrayDocument): string | undefined {
  if (typeof aws?.operation === 'string') return aws.operation;
  return typeof sql?.sanitized_query === 'string' ? /\w+/.exec(sql.sanitized_query)?.[0] : undefined;
}

const ERROR_STATUS = 2;

export function spansOfOtlp(received: readonly ReceivedSpan[]): TraceSpan[] {
  return received.map(({ spanId, parentSpanId, name, flat, startTimeUnixNano, endTimeUnixNano, status }) => ({
    id: spanId,
    parentId: parentSpanId || undefined,
    name,
    note: words(flat['http.response.status_code']),
    startMs: milliseconds(startTimeUnixNano),
    endMs: endTimeUnixNano === '0' ? undefined : milliseconds(endTimeUnixNano),
    isError: status?.code === ERROR_STATUS,
  }));
}

/** Puts spans below their parents; those whose parent is not there are roots. Brothers in the order of their start. */
export function treeOf(spans: readonly TraceSpan[]): TraceNode[] {
  const present = new Set(spans.map(({ id }) => id));
  const childrenOf = new Map<string | undefined, TraceSpan[]>();
  for (const span of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const parent = span.parentId !== undefined && present.has(span.parentId) ? span.parentId : undefined;
    const brothers = childrenOf.get(parent);
    if (brothers) brothers.push(span);
    else childrenOf.set(parent, [span]);
  }
  // Each id is visited once: a span that names itself or a descendant as its parent would never be reached otherwise.
  const node = (span: TraceSpan): TraceNode => ({ span, children: (childrenOf.get(span.id) ?? []).map(node) });
  return (childrenOf.get(undefined) ?? []).map(node);
}

/** Two parts of different size, exactly: nanoseconds since the epoch do not fit a number. */
function milliseconds(nanos: string): number {
  const value = BigInt(nanos);
  return Number(value / 1_000_000n) + Number(value % 1_000_000n) / 1e6;
}

const words = (...parts: unknown[]): string => parts.filter((part) => part !== undefined && part !== false).join(' ');
