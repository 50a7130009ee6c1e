// What leaves the process: batches of ended spans, in the one record shape there is, OpenTelemetry's `ReadableSpan`.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { DropReason } from '../span-account.ts';

/** Where the spans of one invocation belong in X-Ray. Present only when the emission gate is open (header sampled, daemon known). */
export type XrayPlacement = {
  /** `1-8hex-24hex`, from the invocation's header. It replaces the spans' own trace id in documents. */
  readonly traceId: string;
  /** 16 hex: the header's `Parent`. Documents of spans whose parent is `serverSpanId` hang under it. */
  readonly parentId: string;
  /** The SERVER span: it has no document, Lambda's own segment stands there. Its attributes go to the `Invocation` document. */
  readonly serverSpanId: string;
  readonly invocationSpanId: string;
};

/** Ended spans of one invocation. Late spans, ended after their invocation was flushed, come in a batch of their own. */
export type SpanBatch = {
  readonly spans: readonly ReadableSpan[];
  readonly xray: XrayPlacement | undefined;
  /** The decision of `OTEL_TRACES_SAMPLER`, independent of X-Ray's. */
  readonly isSampledForOtlp: boolean;
  /** Batches with the same object here belong to the same invocation and leave together. */
  readonly invocation?: object;
  /** The invocation still runs: its phases are yet to come, and its spans wait for them if nothing presses. */
  readonly isRunning?: true;
  /** Spans of calls that another tracer draws in X-Ray already. */
  readonly hiddenFromXray?: ReadonlySet<ReadableSpan>;
  /** The batch that this one is a part of, when an exporter had to divide it. */
  readonly whole?: SpanBatch;
};

export type ExportOutcome = {
  readonly sentSpans: number;
  /** Spans that are lost for good: refused, or too large for any datagram. */
  readonly droppedSpans: number;
  /** Why; `refused` when absent. */
  readonly dropReason?: DropReason;
  /** What may be sent again at the next flush; absent: nothing. */
  readonly unsent?: readonly SpanBatch[];
  /** Of the unsent those that had left, and nobody answered: the backend may have them. */
  readonly doubtful?: readonly SpanBatch[];
  /** Spans that were sent a second time within this export, after an attempt of which nobody knows the outcome. */
  readonly resentSpans?: number;
  /** Of the dropped spans those that another destination could still take; absent: everything when nothing was sent, else nothing. */
  readonly lost?: readonly SpanBatch[];
  /** Why something was not sent, in one line. */
  readonly error?: string;
};

export interface Exporter {
  readonly name: string;
  /**
   * Sends the batches; resolves when the bytes need the process no more, at the deadline at the latest. Never rejects:
   * what went wrong is in the outcome.
   */
  export(batches: readonly SpanBatch[], deadlineEpochMs: number): Promise<ExportOutcome>;
  /** The process exits: sends before it returns, or returns false. Absent: it cannot. Never throws. */
  exportAtExit?(batches: readonly SpanBatch[]): boolean;
}
