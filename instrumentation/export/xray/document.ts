// The spans of a batch as trees of subsegments: a child whose parent left with it is embedded, every other span is the root of a
// document.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createSpanId } from '../../ids.ts';
import type { SpanBatch, XrayPlacement } from '../exporter.ts';
import { RecordedExceptions } from './cause.ts';
import { drawnSpans, phaseNameOf, type XrayMode } from './phases.ts';
import type { SubsegmentNode } from './subsegment.ts';
import { bareFields, type TranslationSettings, translateSpan } from './translation.ts';

const SPAN_ID = /^(?!0{16}$)[0-9a-f]{16}$/;

type Nodes = ReadonlyMap<string, SubsegmentNode>;

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
  const home = placement.parentId.toLowerCase();
  const nodes = nodesOf(spans, placement, home, mode);
  const roots: SubsegmentNode[] = [];
  nodes.forEach((node) => {
    const parent = nodes.get(node.parentId);
    if (parent === undefined) roots.push(node);
    else parent.children.push(node);
  });
  const ordered = parentsFirst(roots, nodes);
  for (let index = 0; index < roots.length; index += 1) {
    const root = roots[index]!;
    if (root.parentId === root.id) root.parentId = home;
  }
  const recorded = new RecordedExceptions();
  // Children first, so that an exception stands in full where it came from.
  for (let index = ordered.length - 1; index >= 0; index -= 1) translateSpan(ordered[index]!, settings, recorded);
  const first = roots.findIndex(({ id, source }) => source.isSegment || id === placement.invocationSpanId);
  if (first > 0) roots.unshift(...roots.splice(first, 1));
  return roots;
}

const idOf = (span: ReadableSpan): string => span.spanContext().spanId;

/** By id, in the order of the spans. `home`: what hangs under nothing of this process hangs there. */
function nodesOf(
  spans: SpanBatch['spans'],
  placement: XrayPlacement,
  home: string,
  mode: XrayMode,
): Map<string, SubsegmentNode> {
  const traceId = placement.traceId.toLowerCase();
  const { serverSpanId, invocationSpanId } = placement;
  const server = spans.find((span) => idOf(span) === serverSpanId);
  const nodes = new Map<string, SubsegmentNode>();
  const drawn = drawnSpans(spans, placement, mode);
  for (let index = 0; index < drawn.length; index += 1) {
    const span = drawn[index]!;
    const isSegment = span === server && mode === 'segment';
    if (span === server && !isSegment) continue;
    const spanId = idOf(span);
    const known = nodes.get(spanId);
    // The same span twice is one span; another span with its id is not.
    if (known?.source.span === span) continue;
    const isUsable = known === undefined && (spanId !== serverSpanId || isSegment) && SPAN_ID.test(spanId);
    const id = isUsable ? spanId : createSpanId();
    const isInvocation = id === invocationSpanId && mode !== 'segment';
    const merged = isInvocation ? server : undefined;
    nodes.set(id, {
      id,
      traceId,
      parentId: parentIdOf(span, placement, home, mode),
      source: {
        span,
        server: merged,
        phaseName: phaseNameOf(span, placement, mode),
        standsForInvocation: isSegment || isInvocation,
        isSegment,
        replacedId: isUsable ? undefined : spanId,
      },
      fields: bareFields(span),
      children: [],
      isDetached: false,
      text: '',
      bytes: 0,
      treeText: '',
      treeBytes: 0,
      treeSpans: 0,
    });
  }
  return nodes;
}

/** Under the header's `Parent`, unless the span has a parent of its own inside this process. */
function parentIdOf(
  span: ReadableSpan & { readonly xrayParentId?: string | undefined },
  { serverSpanId, invocationSpanId }: XrayPlacement,
  home: string,
  mode: XrayMode,
): string {
  const { parentSpanContext: parent, xrayParentId = parent?.spanId } = span;
  // A remote parent is a span of another trace, which X-Ray would wait for in this one and never get.
  if (xrayParentId === undefined || parent?.isRemote === true) return home;
  const isUndrawn =
    (mode !== 'segment' && xrayParentId === serverSpanId) || (mode === 'attach' && xrayParentId === invocationSpanId);
  return isUndrawn || !SPAN_ID.test(xrayParentId) ? home : xrayParentId;
}

/** Every node, parents before children. A circle of parents (one alone, too) has no root: it is cut, and the node at the cut added to `roots`. */
function parentsFirst(roots: SubsegmentNode[], nodes: Nodes): SubsegmentNode[] {
  const ordered: SubsegmentNode[] = [];
  for (let index = 0; index < roots.length; index += 1) addSubtree(ordered, roots[index]!);
  if (ordered.length === nodes.size) return ordered;
  const seen = new Set(ordered);
  for (const node of nodes.values()) {
    if (seen.has(node)) continue;
    const cut = nodeInCircle(node, nodes);
    const { children } = nodes.get(cut.parentId)!;
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
    const { children } = ordered[index]!;
    for (let at = 0; at < children.length; at += 1) ordered.push(children[at]!);
  }
}

function nodeInCircle(start: SubsegmentNode, nodes: Nodes): SubsegmentNode {
  const passed = new Set<SubsegmentNode>();
  let node = start;
  while (!passed.has(node)) {
    passed.add(node);
    node = nodes.get(node.parentId)!;
  }
  return node;
}
