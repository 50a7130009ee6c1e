// The port between the recorder, which is there from the start, and everything that gets spans out of the process, which is loaded
// when there is something to send. Types only.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Handful } from '../../runtime/handful.ts';
import type { FlushReason } from '../../runtime/lifecycle.ts';
import type { FlightFacts } from '../flight-facts.ts';
import type { FlightRecorder } from '../flight-recorder.ts';
import type { FailedInit } from '../init-spans.ts';
import type { EndingScope } from '../invocation-end.ts';
import type { InvocationRecord } from '../invocation-record.ts';
import type { SpanAccount } from '../span-account.ts';
import type { SpanCounts } from '../span-counts.ts';
import type { Destination } from './destination.ts';
import type { SpanBatch } from './exporter.ts';

/**
 * How something ended that did not end by itself: an invocation that ran out of time, a process that crashed, exited, aborted or
 * was killed, a span that nobody ended before its environment was shut down.
 */
export type AbruptEnd = {
  readonly how: 'timeout' | 'crash' | 'exit' | 'abort' | 'killed' | 'forgotten';
  readonly exitCode?: number;
};

/** The invocations that have not left. The recorder fills them, the delivery empties them. */
export type PresentInvocations = {
  /** Not answered yet. */
  readonly flying: Handful<InvocationRecord>;
  readonly answered: InvocationRecord[];
};

export type OtherWayOut = {
  spansEnded(spans: SpanBatch['spans']): void;
  /** Never rejects. */
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
};

/** What the delivery and the recorder share. */
export type DeliverySurroundings = Omit<EndingScope, 'describeTracer'> & {
  readonly invocations: PresentInvocations;
  readonly counts: SpanCounts;
  readonly flight: FlightRecorder | undefined;
  /** Runs work whose requests are nobody's spans. */
  untraced<T>(work: () => T): T;
  /** The user's own way out beside ours; undefined: there is none. */
  others(): OtherWayOut | undefined;
};

/** The delivery, loaded or not. */
export type LateDelivery = {
  readonly loaded: Delivery | undefined;
  /** Loads it when it is not. */
  load(): Delivery;
};

/** What there is to know of the way out, for a report. */
export type DeliveryState = {
  /** Of X-Ray and of what the sampler decides on, as far as either is wanted. */
  readonly accounts: readonly SpanAccount[];
  readonly destinations: readonly Destination[];
  /** The spans that have come by so far, when somebody wants to know and for the first who asks; a thousand at most. */
  takeSeen(): readonly ReadableSpan[];
};

export interface Delivery {
  readonly state: DeliveryState;
  /** So many ended spans of a running invocation are worth handing over together. */
  readonly batchSpans: number;
  /** Loads all exporters ahead of the first flush. Never throws. */
  openAhead(): void;
  /** An invocation begins. */
  begin(deadlineEpochMs: number): void;
  /** Spans of this invocation have ended that need not wait for it, or that it has left behind. */
  handOver(record: InvocationRecord): void;
  /** An answer is ready, and waits for what is returned. Never rejects. */
  hold(record: InvocationRecord): Promise<void> | undefined;
  /** The process ends without having served anybody: its init becomes a trace of its own. */
  initFailed(failed: FailedInit): void;
  /** Resolves when there is nothing left to wait for, at the deadline at the latest. Never rejects. */
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
  /** Looks after invocations that run long; returns after how many milliseconds to look again. */
  watch(): number;
  /**
   * The flight recorder could not make its file: takes over what a dead process has left there. `facts`: of the
   * invocation that has begun. Never throws.
   */
  takeOver(facts: FlightFacts | undefined): void;
  /** Sends what can be sent without waiting and leaves the rest for the next process. */
  exit(end: AbruptEnd): void;
}
