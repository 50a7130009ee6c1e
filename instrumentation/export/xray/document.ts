// The spans of a batch as trees of subsegments: a child whose parent left with it is embedded, every other span is the root of a
// document. Nothing is serialised here.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createSpanId } from '../../ids.ts';
import type { SpanBatch, XrayPlacement } from '../exporter.ts';
import { recordedExceptions } from './cause.ts';
import { drawnSpans, phaseNameOf, type XrayMode } from './phases.ts';
import type { SubsegmentNode } from './subsegment.ts';
import { bareFields, type TranslationInput, type TranslationSettings, translateSpan } from './translation.ts';

const SPAN_ID = /^(?!0{16}$)[0-9a-f]{16}$/;

type Entry = { readonly node: SubsegmentNode; readonly input: TranslationInput };
type Entries = ReadonlyMap<string, Entry>;

/**
 * The trees of a batch, the segment's or the `Invocation`'s first, otherwise in the order of the spans. Each drawn span is in
 * exactly one tree (the SERVER span only as a segment), also where ids repeat (the second gets an id of its own) or parents form a circle (which is cut).
 */
export function buildTrees(
  spans: SpanBatch['spans'],
  placement: XrayPlacement,
  mode: XrayMode,
  settings: TranslationSettings,
): SubsegmentNode[] {
  const entries = entriesOf(spans, placement, mode);
  const roots: SubsegmentNode[] = [];
  for (const { node } of entries.values()) {
    const parent = entries.get(node.parentId)?.node;
    if (parent === undefined) roots.push(node);
    else parent.children.push(node);
  }
  const ordered = parentsFirst(roots, entries);
  for (const root of roots) if (root.parentId === root.id) root.parentId = placement.parentId.toLowerCase();
  const recorded = recordedExceptions();
  // Children first, so that an exception stands in full where it came from.
  for (const node of ordered.reverse()) translateSpan(node, entries.get(node.id)!.input, settings, recorded);
  const first = roots.findIndex(({ id, isSegment }) => isSegment || id === placement.invocationSpanId);
  if (first > 0) roots.unshift(...roots.splice(first, 1));
  return roots;
}

const idOf = (span: ReadableSpan): string => span.spanContext().spanId;

function entriesOf(spans: SpanBatch['spans'], placement: XrayPlacement, mode: XrayMode): Map<string, Entry> {
  const traceId = placement.traceId.toLowerCase();
  const { serverSpanId, invocationSpanId } = placement;
  const server = spans.find((span) => idOf(span) === serverSpanId);
  const entries = new Map<string, Entry>();
  for (const span of drawnSpans(spans, placement, mode)) {
    const isSegment = span === server && mode === 'segment';
    if (span === server && !isSegment) continue;
    const spanId = idOf(span);
    const known = entries.get(spanId);
    // The same span twice is one span; another span with its id is not.
    if (known?.input.span === span) continue;
    const isUsable = known === undefined && (spanId !== serverSpanId || isSegment) && SPAN_ID.test(spanId);
    const id = isUsable ? spanId : createSpanId();
    const merged = id === invocationSpanId && mode !== 'segment' ? server : undefined;
    const node: SubsegmentNode = {
      id,
      traceId,
      parentId: parentIdOf(span, placement, mode),
      fields: bareFields(span),
      children: [],
      spans: merged === undefined ? 1 : 2,
      isSegment,
      isDetached: false,
      text: '',
      bytes: 0,
      treeBytes: 0,
    };
    const input: TranslationInput = {
      span,
      server: merged,
      name: phaseNameOf(span, placement, mode),
      standsForInvocation: isSegment || (id === invocationSpanId && mode !== 'segment'),
      isSegment,
      replacedId: isUsable ? undefined : spanId,
    };
    entries.set(id, { node, input });
  }
  return entries;
}

/** Under the header's `Parent`, unless the span has a parent of its own inside this process. */
function parentIdOf({ parentSpanContext: parent }: ReadableSpan, placement: XrayPlacement, mode: XrayMode): string {
  const { parentId, serverSpanId, invocationSpanId } = placement;
  // A remote parent is a span of another trace, which X-Ray would wait for in this one and never get.
  if (parent === undefined || parent.isRemote === true) return parentId.toLowerCase();
  const isUndrawn =
    (mode !== 'segment' && parent.spanId === serverSpanId) || (mode === 'attach' && parent.spanId === invocationSpanId);
  return isUndrawn || !SPAN_ID.test(parent.spanId) ? parentId.toLowerCase() : parent.spanId;
}

/** Every node, parents before children. A circle of parents (one alone, too) has no root: it is cut, and the node at the cut added to `roots`. */
function parentsFirst(roots: SubsegmentNode[], entries: Entries): SubsegmentNode[] {
  const ordered: SubsegmentNode[] = [];
  for (const root of roots) addSubtree(ordered, root);
  if (ordered.length === entries.size) return ordered;
  const seen = new Set(ordered);
  for (const { node } of entries.values()) {
    if (seen.has(node)) continue;
    const cut = nodeInCircle(node, entries);
    const { children } = entries.get(cut.parentId)!.node;
    children.splice(children.indexOf(cut), 1);
    // Its parent is below it now: no id to hang under but its own, which the caller replaces.
    cut.parentId = cut.id;
    roots.push(cut);
    const start = ordered.length;
    addSubtree(ordered, cut);
    for (let index = start; index < ordered.length; index += 1) seen.add(ordered[index]!);
  }
  return ordered;
}

function addSubtree(ordered: SubsegmentNode[], root: SubsegmentNode): void {
  ordered.push(root);
  for (let index = ordered.length - 1; index < ordered.length; index += 1) {
    for (const child of ordered[index]!.children) ordered.push(child);
  }
}

function nodeInCircle(start: SubsegmentNode, entries: Entries): SubsegmentNode {
  const passed = new Set<SubsegmentNode>();
  let node = start;
  while (!passed.has(node)) {
    passed.add(node);
    node = entries.get(node.parentId)!.node;
  }
  return node;
}
