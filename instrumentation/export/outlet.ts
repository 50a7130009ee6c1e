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

  /** `destinations` in the order in which they are flushed; `maxFlushMs` bounds one flush of all of them. */
  constructor(destinations: readonly Destination[], maxFlushMs: number) {
    this.#destinations = destinations;
    this.#maxFlushMs = maxFlushMs;
  }

  add(batch: SpanBatch): void {
    for (const destination of this.#destinations) destination.add(batch);
  }

  /** Loads all exporters ahead of the first flush: for environments whose init nobody waits for. */
  open(): void {
    for (const destination of this.#destinations) destination.open();
  }

  /** Resolves when every destination is done or the time is up. Holds the process meanwhile. */
  async flush(_reason: FlushReason, deadlineEpochMs: number): Promise<void> {
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
}
