// Spans that left once without an answer: the backend may have them, and may get them twice. They stay in doubt until somebody
// answers or they are dropped.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { ExportOutcome, SpanBatch } from './exporter.ts';

export class DoubtfulSpans {
  readonly #spans = new Set<ReadableSpan>();

  get size(): number {
    return this.#spans.size;
  }

  /** They are in doubt no longer; returns how many of them were. */
  settle(batches: readonly SpanBatch[]): number {
    const before = this.#spans.size;
    if (before === 0) return 0;
    for (const { spans } of batches) for (const span of spans) this.#spans.delete(span);
    return before - this.#spans.size;
  }

  /**
   * What was in doubt and has left again may be there twice: returns how many those are. What did not leave again is in doubt still.
   */
  resolve(batches: readonly SpanBatch[], { unsent, doubtful, resentSpans = 0 }: ExportOutcome): number {
    if (this.#spans.size === 0 && doubtful === undefined) return resentSpans;
    const again = this.settle(doubtful ?? []);
    const kept = (unsent ?? []).flatMap(({ spans }) => spans).filter((span) => this.#spans.delete(span));
    const resent = resentSpans + again + this.settle(batches);
    for (const span of kept) this.#spans.add(span);
    for (const { spans } of doubtful ?? []) for (const span of spans) this.#spans.add(span);
    return resent;
  }
}
