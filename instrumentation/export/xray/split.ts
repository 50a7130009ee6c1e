// Cutting trees of subsegments into documents that each fit a datagram. Every node is serialised once; what follows is adding
// and concatenating.

import { withMark } from './metadata.ts';
import { writeText } from './node-text.ts';
import { shrinkFields } from './shrink.ts';
import { OWN_NAMESPACE, type SubsegmentNode } from './subsegment.ts';

/** 65 507 bytes of UDP payload less the daemon's header line. */
export const DOCUMENT_MAX_BYTES = 65_477;
/** A document of this size holds any single subsegment's name, ids and times. */
export const DOCUMENT_MIN_BYTES = 2048;

export type SplitLimits = {
  /** Of each document, in bytes of UTF-8. */
  readonly documentCapBytes: number;
  /** Documents that cutting may add to the trees' own. Each is a datagram, and each may be lost alone. */
  readonly addedDocuments: number;
  /** Of all documents together: X-Ray refuses what makes a trace too large. */
  readonly totalBytes: number;
};

export type XrayDocument = {
  readonly root: SubsegmentNode;
  /** Compact JSON. */
  readonly text: string;
  /** Of `text` as UTF-8. */
  readonly bytes: number;
  /** How many spans are in it. */
  readonly spans: number;
};

export type SplitResult = {
  readonly documents: readonly XrayDocument[];
  /** Spans beyond the limits; the first tree's root says how many. */
  readonly droppedSpans: number;
};

const CHILDREN_START = ',"subsegments":[';
const CHILDREN_END = ']';
const DROPPED = 'dropped_subsegments';
const COMMA_BYTES = 1;
const CHILDREN_BYTES = CHILDREN_START.length + CHILDREN_END.length;
/** `,"trace_id":"…","type":"subsegment","parent_id":"…"` */
const INDEPENDENT_BYTES = independentText('1-01234567-0123456789abcdef01234567', '0123456789abcdef', false).length;
/** Room for the mark that a first root may get after all is measured. */
const DROPPED_MARK_BYTES = Buffer.byteLength(',"metadata":{"spanstrap":{"dropped_subsegments":99999999}}');

/**
 * The documents for `roots`, parents before what was cut from them. Where a tree is too large its largest branches become
 * documents of their own, from the leaves up: a chain of thousands of levels gives few full documents, not one per level.
 * Branches that are documents already stay out.
 */
export function splitDocuments(roots: readonly SubsegmentNode[], limits: SplitLimits): SplitResult {
  const cap = Math.min(DOCUMENT_MAX_BYTES, Math.max(DOCUMENT_MIN_BYTES, limits.documentCapBytes));
  const cut = new Set<SubsegmentNode>();
  for (let index = 0; index < roots.length; index += 1) fitTree(roots[index]!, cap, cut);
  const planned = cut.size === 0 ? roots : withCutBranches(roots, cut);
  const count = affordable(planned, roots.length, limits);
  let droppedSpans = 0;
  for (let index = count; index < planned.length; index += 1) droppedSpans += planned[index]!.treeSpans;
  if (droppedSpans > 0) markDropped(planned[0]!, droppedSpans);
  const documents: XrayDocument[] = [];
  for (let index = 0; index < count; index += 1) documents.push(documentOf(planned[index]!));
  return { documents, droppedSpans };
}

/** Makes documents of their own of what does not fit into one of `cap` bytes, and puts them into `cut`. */
function fitTree(root: SubsegmentNode, cap: number, cut: Set<SubsegmentNode>): void {
  const nodes = nodesIn(root);
  // Children first.
  for (let index = nodes.length - 1; index >= 0; index -= 1) {
    const node = nodes[index]!;
    const available = cap - INDEPENDENT_BYTES - (node === root ? DROPPED_MARK_BYTES : 0);
    if (node.bytes > available) shrink(node, available);
    if (node.children.length > 0) cutChildren(node, available, cut);
    embedChildren(node);
  }
}

/** The nodes in the document of `root`, parents first. */
function nodesIn(root: SubsegmentNode): SubsegmentNode[] {
  const nodes = [root];
  for (let index = 0; index < nodes.length; index += 1) {
    const { children } = nodes[index]!;
    for (let at = 0; at < children.length; at += 1) if (!children[at]!.isDetached) nodes.push(children[at]!);
  }
  return nodes;
}

/** Detaches children, the largest first, until the node with those that stay is at most `available`. */
function cutChildren(node: SubsegmentNode, available: number, cut: Set<SubsegmentNode>): void {
  let embedded = 0;
  let bytes = node.bytes + CHILDREN_BYTES;
  for (let index = 0; index < node.children.length; index += 1) {
    const child = node.children[index]!;
    if (child.isDetached) continue;
    bytes += child.treeBytes + (embedded > 0 ? COMMA_BYTES : 0);
    embedded += 1;
  }
  if (bytes <= available) return;
  for (const child of node.children.toSorted((a, b) => b.treeBytes - a.treeBytes)) {
    if (child.isDetached) continue;
    child.isDetached = true;
    cut.add(child);
    embedded -= 1;
    bytes -= child.treeBytes + COMMA_BYTES;
    if (embedded > 0 && bytes <= available) return;
  }
}

/** Puts the children that are left into the node's tree. */
function embedChildren(node: SubsegmentNode): void {
  const { children, source } = node;
  let text = node.text;
  let bytes = node.bytes;
  // The SERVER span is merged into it.
  let spans = source.server === undefined ? 1 : 2;
  let isFirst = true;
  for (let index = 0; index < children.length; index += 1) {
    const child = children[index]!;
    if (child.isDetached) continue;
    text += `${isFirst ? CHILDREN_START : ','}{"id":"${child.id}",${child.treeText}`;
    bytes += child.treeBytes + (isFirst ? CHILDREN_BYTES : COMMA_BYTES);
    spans += child.treeSpans;
    isFirst = false;
  }
  node.treeText = isFirst ? `${text}}` : `${text}${CHILDREN_END}}`;
  node.treeBytes = bytes;
  node.treeSpans = spans;
}

/** `roots`, and behind them what was cut from each, from what was cut, and so on. */
function withCutBranches(roots: readonly SubsegmentNode[], cut: ReadonlySet<SubsegmentNode>): SubsegmentNode[] {
  const planned = [...roots];
  for (let index = 0; index < planned.length; index += 1) {
    const branches: SubsegmentNode[] = [];
    for (const node of nodesIn(planned[index]!)) {
      for (const child of node.children) if (cut.has(child)) branches.push(child);
    }
    // Largest first: what is left out in the end is what is least missed.
    for (const branch of branches.sort((a, b) => b.treeBytes - a.treeBytes)) planned.push(branch);
  }
  return planned;
}

/** How many of the documents the limits allow. The first goes whatever its size. */
function affordable(planned: readonly SubsegmentNode[], rootCount: number, limits: SplitLimits): number {
  const most = Math.min(planned.length, rootCount + limits.addedDocuments);
  let totalBytes = 0;
  for (let count = 0; count < most; count += 1) {
    totalBytes += planned[count]!.treeBytes + INDEPENDENT_BYTES;
    if (count > 0 && totalBytes > limits.totalBytes) return count;
  }
  return most;
}

function markDropped(root: SubsegmentNode, spans: number): void {
  const { fields } = root;
  const before = Number(fields.metadata?.[OWN_NAMESPACE]?.[DROPPED] ?? 0);
  fields.metadata = withMark(fields.metadata, DROPPED, before + spans);
  writeText(root);
  embedChildren(root);
}

function shrink(node: SubsegmentNode, maxBytes: number): void {
  shrinkFields(node.fields, maxBytes, () => {
    writeText(node);
    return node.bytes;
  });
  writeText(node);
}

function documentOf(root: SubsegmentNode): XrayDocument {
  const independent = independentText(root.traceId, root.parentId, root.source.isSegment);
  return {
    root,
    text: `{"id":"${root.id}"${independent},${root.treeText}`,
    bytes: root.treeBytes + independent.length,
    spans: root.treeSpans,
  };
}

function independentText(traceId: string, parentId: string, isSegment: boolean): string {
  return `,"trace_id":"${traceId}",${isSegment ? '' : '"type":"subsegment",'}"parent_id":"${parentId}"`;
}
