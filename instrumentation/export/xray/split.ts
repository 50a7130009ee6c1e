// Cutting trees of subsegments into documents that each fit a datagram. Every node is serialised once; what follows is adding
// and concatenating.

import { withMark } from './metadata.ts';
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
/** What stands around a node's fields. */
const FRAME_BYTES = '{"id":"0123456789abcdef",}'.length;
const DROPPED = 'dropped_subsegments';
const COMMA_BYTES = 1;
const CHILDREN_BYTES = CHILDREN_START.length + CHILDREN_END.length;
/** `,"trace_id":"…","type":"subsegment","parent_id":"…"` */
const INDEPENDENT_BYTES = independentText({
  traceId: '1-01234567-0123456789abcdef01234567',
  parentId: '0123456789abcdef',
  isSegment: false,
}).length;
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
  for (const root of roots) cutTree(root, cap, cut);
  const planned = roots.map((root) => planOf(root, cut));
  // Grows while it is walked: each document tells what was cut from it.
  for (const plan of planned) for (const node of plan.cut) planned.push(planOf(node, cut));

  const sent = planned.slice(0, affordable(planned, roots.length, limits));
  let droppedSpans = 0;
  for (const { spans } of planned.slice(sent.length)) droppedSpans += spans;
  if (droppedSpans > 0) {
    const { root } = sent[0]!;
    const before = Number(root.fields.metadata?.[OWN_NAMESPACE]?.[DROPPED] ?? 0);
    root.fields.metadata = withMark(root.fields.metadata, DROPPED, before + droppedSpans);
    serialize(root);
  }
  return { documents: sent.map(({ root, spans }) => ({ root, text: documentText(root), spans })), droppedSpans };
}

type Plan = {
  readonly root: SubsegmentNode;
  readonly spans: number;
  /** What was cut from it in this call. */
  readonly cut: readonly SubsegmentNode[];
};

/** How many of the documents the limits allow. The first goes whatever its size. */
function affordable(planned: readonly Plan[], rootCount: number, limits: SplitLimits): number {
  const most = Math.min(planned.length, rootCount + limits.addedDocuments);
  let totalBytes = 0;
  for (let count = 0; count < most; count += 1) {
    totalBytes += planned[count]!.root.treeBytes + INDEPENDENT_BYTES;
    if (count > 0 && totalBytes > limits.totalBytes) return count;
  }
  return most;
}

/** The nodes in the document of `root`, parents first. */
function nodesIn(root: SubsegmentNode): SubsegmentNode[] {
  const nodes = [root];
  for (let index = 0; index < nodes.length; index += 1) {
    for (const child of nodes[index]!.children) if (!child.isDetached) nodes.push(child);
  }
  return nodes;
}

/** Makes documents of their own of what does not fit into one of `cap` bytes, and puts them into `cut`. */
function cutTree(root: SubsegmentNode, cap: number, cut: Set<SubsegmentNode>): void {
  const nodes = nodesIn(root);
  for (let index = nodes.length - 1; index >= 0; index -= 1) {
    const node = nodes[index]!;
    const available = cap - INDEPENDENT_BYTES - (node === root ? DROPPED_MARK_BYTES : 0);
    if (node.text === '') serialize(node);
    if (node.bytes > available) shrink(node, available);
    node.treeBytes = cutChildren(node, available, cut);
  }
}

/** The size of a node with the children that stay; the largest go until it is at most `available`. */
function cutChildren(node: SubsegmentNode, available: number, cut: Set<SubsegmentNode>): number {
  if (node.children.length === 0) return node.bytes;
  let embedded = 0;
  let bytes = node.bytes + CHILDREN_BYTES;
  for (const child of node.children) {
    if (child.isDetached) continue;
    bytes += child.treeBytes + (embedded > 0 ? COMMA_BYTES : 0);
    embedded += 1;
  }
  if (embedded === 0) return node.bytes;
  if (bytes <= available) return bytes;
  for (const child of node.children.toSorted((a, b) => b.treeBytes - a.treeBytes)) {
    if (child.isDetached) continue;
    child.isDetached = true;
    cut.add(child);
    embedded -= 1;
    bytes -= child.treeBytes + COMMA_BYTES;
    if (embedded > 0 && bytes <= available) return bytes;
  }
  return node.bytes;
}

function planOf(root: SubsegmentNode, cut: ReadonlySet<SubsegmentNode>): Plan {
  let spans = 0;
  const cutHere: SubsegmentNode[] = [];
  for (const node of nodesIn(root)) {
    spans += node.spans;
    if (cut.size === 0) continue;
    for (const child of node.children) if (cut.has(child)) cutHere.push(child);
  }
  // Largest first: what is left out in the end is what is least missed.
  return { root, spans, cut: cutHere.sort((a, b) => b.treeBytes - a.treeBytes) };
}

function serialize(node: SubsegmentNode): void {
  node.text = JSON.stringify(node.fields).slice(1, -1);
  node.bytes = FRAME_BYTES + Buffer.byteLength(node.text);
}

function shrink(node: SubsegmentNode, maxBytes: number): void {
  shrinkFields(node.fields, maxBytes, () => {
    serialize(node);
    return node.bytes;
  });
  serialize(node);
}

function independentText({
  traceId,
  parentId,
  isSegment,
}: Pick<SubsegmentNode, 'traceId' | 'parentId' | 'isSegment'>): string {
  return `,"trace_id":"${traceId}",${isSegment ? '' : '"type":"subsegment",'}"parent_id":"${parentId}"`;
}

/** The document of `root` with everything embedded in it. Walks with a stack of its own: trees may be thousands of levels deep. */
function documentText(root: SubsegmentNode): string {
  let text = '';
  const path: { readonly node: SubsegmentNode; next: number; hasChildren: boolean }[] = [];
  const open = (node: SubsegmentNode): void => {
    const independent = node === root ? independentText(node) : '';
    text += `{"id":"${node.id}"${independent},${node.text}`;
    path.push({ node, next: 0, hasChildren: false });
  };
  open(root);
  for (let level = path.at(-1); level !== undefined; level = path.at(-1)) {
    const child = level.node.children[level.next];
    if (child === undefined) {
      text += level.hasChildren ? `${CHILDREN_END}}` : '}';
      path.pop();
      continue;
    }
    level.next += 1;
    if (child.isDetached) continue;
    text += level.hasChildren ? ',' : CHILDREN_START;
    level.hasChildren = true;
    open(child);
  }
  return text;
}
