// The shape of an X-Ray subsegment document, and of the tree it is cut from. Source: X-Ray Developer Guide, "X-Ray segment documents".

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** Frames of one exception, innermost first. `path` is verbatim, `file://` and `node:` included. */
export type StackFrame = { path?: string; line?: number; label?: string };

export type XrayException = {
  /** 16 hex; the same for the same Error object wherever it is recorded. */
  readonly id: string;
  type?: string;
  message?: string;
  /** A downstream service threw it. */
  remote?: true;
  /** Frames left out at the end of `stack`. */
  truncated?: number;
  /** Exceptions left out after this one. */
  skipped?: number;
  /** The id of the exception that caused this one. */
  cause?: string;
  stack?: StackFrame[];
};

/** An exception id alone: the exception stands in another subsegment of the trace. */
export type Cause = string | { working_directory: string; exceptions: XrayException[] };

export type HttpBlock = {
  request?: { method?: string; url?: string; user_agent?: string; client_ip?: string };
  response?: { status?: number; content_length?: number };
};

export type AwsBlock = Record<string, unknown>;

export type SqlBlock = {
  url?: string;
  connection_string?: string;
  sanitized_query?: string;
  database_type?: string;
  user?: string;
  preparation?: 'call' | 'statement';
};

export type Annotations = Record<string, string | number | boolean>;

/** A span link of a segment; subsegments have theirs in the metadata. */
export type SegmentLink = { trace_id: string; id: string; attributes?: Record<string, unknown> };

/** Two levels: namespace, then key. */
export type Metadata = Record<string, Record<string, unknown>>;

/**
 * What a subsegment says of itself, in the order of the wire. `id`, `trace_id`, `type` and `parent_id` come before, `subsegments`
 * after: they are the tree's. Times in epoch seconds with at most six decimals.
 */
export type SubsegmentFields = {
  name: string;
  namespace: 'aws' | 'remote' | undefined;
  start_time: number;
  end_time: number | undefined;
  in_progress: true | undefined;
  error: true | undefined;
  throttle: true | undefined;
  fault: true | undefined;
  cause: Cause | undefined;
  http: HttpBlock | undefined;
  aws: AwsBlock | undefined;
  /** The next four a segment alone has. */
  origin?: string;
  service?: { version: string };
  user?: string;
  links?: SegmentLink[];
  sql: SqlBlock | undefined;
  annotations: Annotations | undefined;
  metadata: Metadata | undefined;
};

/** One subsegment with the ones embedded in it. */
export type SubsegmentNode = {
  readonly id: string;
  /** `1-8hex-24hex`, lower case. */
  readonly traceId: string;
  /** What it hangs under when it is a document of its own. */
  parentId: string;
  readonly source: NodeSource;
  readonly fields: SubsegmentFields;
  readonly children: SubsegmentNode[];
  /** A document of its own: no longer embedded in its parent. */
  isDetached: boolean;
  /** The fields as JSON without braces; empty until the span is translated. */
  text: string;
  /** UTF-8 bytes as an embedded subsegment without children. */
  bytes: number;
  /** Everything behind the ids, the closing brace included: `text` and what is embedded. Empty until that is settled. */
  treeText: string;
  /** UTF-8 bytes with all that is embedded in it. */
  treeBytes: number;
  /** How many of the batch's spans it stands for, with all that is embedded in it. */
  treeSpans: number;
};

/** What a node is drawn from. */
export type NodeSource = {
  readonly span: ReadableSpan;
  /** On the `Invocation`: the SERVER span, which has no document; its content stands here. */
  readonly server: ReadableSpan | undefined;
  /** The name of a phase, which no attribute changes. */
  readonly phaseName: string | undefined;
  /** It is the subsegment, or the segment, that stands for the whole invocation. */
  readonly standsForInvocation: boolean;
  /** A segment, not a subsegment. */
  readonly isSegment: boolean;
  /** The id this span had, when X-Ray refuses it or another of the batch has the same. */
  readonly replacedId: string | undefined;
};

/** Our own namespace in `metadata`: what was cut, dropped or changed on the way. */
export const OWN_NAMESPACE = 'spanstrap';
