// Spans as lines that people read, for debugging: one line per span, children indented below their parents.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Exporter, ExportOutcome, SpanBatch } from '../exporter.ts';
import { usableLinks } from '../usable-links.ts';

export type ConsoleExporterOptions = {
  /** Takes a line without its end; it is out when the call returns. */
  writeLine(line: string): void;
};

const KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const ERROR = 2;
const LONGEST_VALUE = 120;
const DEEPEST_INDENT = 20;

export function createConsoleExporter({ writeLine }: ConsoleExporterOptions): Exporter {
  const writeAll = (batches: readonly SpanBatch[]): ExportOutcome => {
    let sentSpans = 0;
    for (const { spans } of batches) {
      for (const line of describeSpans(spans)) writeLine(line);
      sentSpans += spans.length;
    }
    return { sentSpans, droppedSpans: 0 };
  };
  return {
    name: 'console',
    export: async (batches) => writeAll(batches),
    exportAtExit(batches) {
      writeAll(batches);
      return true;
    },
  };
}

/** One line per span, in the order of a tree: by start, each below its parent. */
export function describeSpans(spans: readonly ReadableSpan[]): string[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const children = new Map<string | undefined, ReadableSpan[]>();
  for (const span of spans) {
    const parentId = span.parentSpanContext?.spanId;
    // A parent that is not here, or the span itself, is none.
    const key = parentId !== span.spanContext().spanId && ids.has(parentId ?? '') ? parentId : undefined;
    const siblings = children.get(key);
    if (siblings === undefined) children.set(key, [span]);
    else siblings.push(span);
  }
  const lines: string[] = [];
  const described = new Set<ReadableSpan>();
  // A stack of its own: chains of spans may be thousands long.
  const waiting: { readonly span: ReadableSpan; readonly depth: number }[] = [];
  const push = (some: readonly ReadableSpan[], depth: number): void => {
    for (const span of some.toSorted((a, b) => byStart(b, a))) waiting.push({ span, depth });
  };
  // Last those whose ancestors go round in a circle: nothing above leads to them.
  for (const roots of [children.get(undefined) ?? [], spans]) {
    push(roots, 0);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { span, depth } = next;
      if (described.has(span)) continue;
      described.add(span);
      lines.push('  '.repeat(Math.min(depth, DEEPEST_INDENT)) + describeAnySpan(span));
      push(children.get(span.spanContext().spanId) ?? [], depth + 1);
    }
  }
  return lines;
}

function byStart(a: ReadableSpan, b: ReadableSpan): number {
  return a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1];
}

/** User code may have made anything of it. */
function describeAnySpan(span: ReadableSpan): string {
  try {
    return describeSpan(span);
  } catch (error) {
    return `span unreadable: ${error}`;
  }
}

function describeSpan(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  const { name, kind, status, startTime, endTime, attributes, events } = span;
  const durationMs = (endTime[0] - startTime[0]) * 1e3 + (endTime[1] - startTime[1]) / 1e6;
  const parts = [`span ${show(name)}`, KINDS[kind] ?? String(kind), `${durationMs.toFixed(3)} ms`];
  if (status.code === ERROR) parts.push(`ERROR${status.message ? ` ${show(status.message)}` : ''}`);
  parts.push(`trace=${traceId}`, `id=${spanId}`);
  if (span.parentSpanContext !== undefined) parts.push(`parent=${span.parentSpanContext.spanId}`);
  for (const [key, value] of Object.entries(attributes)) parts.push(`${key}=${show(value)}`);
  for (const event of events) {
    const { 'exception.type': type, 'exception.message': message } = event.attributes ?? {};
    const detail = type === undefined && message === undefined ? '' : ` ${show(type)}: ${show(message)}`;
    parts.push(`event:${show(event.name)}${detail}`);
  }
  for (const { context } of usableLinks(span)) parts.push(`link=${context.traceId}/${context.spanId}`);
  return parts.join(' ');
}

/** A value on one line; texts with spaces in quotes. */
function show(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    text = String(value);
  }
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
