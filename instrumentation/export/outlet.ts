// Where recorded spans leave the recorder: every destination gets its share, and a flush serves them all, X-Ray's datagrams
// first because they cost microseconds and need no answer.

import type { FlushReason } from '../../runtime/lifecycle.ts';
import type { Destination } from './destination.ts';
import type { SpanBatch } from './exporter.ts';

// Captured before user code can mock them.
const { setTimeout, clearTimeout } = globalThis;
const wallNow = Date.now;

/** Time left to the platform after a flush: what remains of the deadline is not ours to use up. */
const DEADLINE_MARGIN_MS = 50;

export class Outlet {
  readonly #destinations: readonly Destination[];
  readonly #maxFlushMs: number;
  readonly #fallback: Destination | undefined;
  /** The network destinations that lost a batch, or a part of it, for good. */
  readonly #losers = new WeakMap<SpanBatch, Set<Destination>>();

  /**
   * `destinations` in the order in which they are flushed; `maxFlushMs` bounds one flush of all of them. `fallback` gets the
   * spans that every network destination which wanted them lost.
   */
  constructor(destinations: readonly Destination[], maxFlushMs: number, fallback?: Destination) {
    this.#destinations = destinations;
    this.#maxFlushMs = maxFlushMs;
    this.#fallback = fallback;
    if (fallback === undefined) return;
    for (const destination of destinations) {
      if (destination.isNetwork) destination.watchLosses((batches) => this.#lose(destination, batches, fallback));
    }
  }

  add(batch: SpanBatch): void {
    for (const destination of this.#destinations) destination.add(batch);
  }

  /** Loads all exporters ahead of the first flush: for environments whose init nobody waits for. */
  open(): void {
    for (const destination of this.#destinations) destination.open();
  }

  /** Resolves when every destination is done or the time is up. Holds the process meanwhile. */
  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    await this.#flushDestinations(deadlineEpochMs);
    const fallback = this.#fallback;
    if (fallback === undefined) return;
    if (reason !== 'invocation') for (const destination of this.#destinations) destination.giveUp();
    await fallback.flush(deadlineEpochMs);
  }

  async #flushDestinations(deadlineEpochMs: number): Promise<void> {
    const untilDeadlineMs = deadlineEpochMs - DEADLINE_MARGIN_MS - wallNow();
    const leftMs = Number.isNaN(untilDeadlineMs) ? this.#maxFlushMs : Math.min(untilDeadlineMs, this.#maxFlushMs);
    if (leftMs <= 0) return;
    const until = wallNow() + leftMs;
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, leftMs);
    });
    const done = Promise.all(this.#destinations.map((destination) => destination.flush(until)));
    await Promise.race([done, timeUp]);
    clearTimeout(timer);
  }

  #lose(by: Destination, batches: readonly SpanBatch[], fallback: Destination): void {
    for (const batch of batches) {
      const whole = batch.whole ?? batch;
      const losers = this.#losers.get(whole) ?? new Set();
      this.#losers.set(whole, losers.add(by));
      const hasHope = this.#destinations.some(
        (destination) => destination.isNetwork && destination.accepts(whole) && !losers.has(destination),
      );
      if (!hasHope) fallback.add(batch);
    }
  }
}
