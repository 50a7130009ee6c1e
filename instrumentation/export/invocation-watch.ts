// Looks after invocations that run long: tells when one has used up a share of its time, and when its deadline is near. It is
// asked, and says when to ask again; one timer of the recorder's serves all, so that quick invocations neither set nor clear
// timers, and a thawed process finds one late timer, not a storm of them.

import { type Instant, now } from '../../runtime/lifecycle.ts';

/** Milliseconds after an invocation's begin. */
export type WatchMoments = {
  /** A share of the time is used up: what an emergency needs is got ready. */
  readonly longMs: number;
  /** Time for a round trip is still left. */
  readonly lateMs: number;
  /** Time for datagrams is still left. */
  readonly lastMs: number;
};

const LONG_SHARE = 0.25;
/** An invocation with less time than this is not worth the alarm. */
const WATCHED_FROM_MS = 200;
const DATAGRAM_MARGIN_MIN_MS = 50;
const DATAGRAM_MARGIN_MAX_MS = 250;

/**
 * The moments of an invocation that has `totalMs`. The margin for a round trip is a tenth of the time, at least 500 ms and at most
 * 3 s, below 2 s of time a quarter; `marginMs` replaces it.
 */
export function momentsOf(totalMs: number, marginMs?: number): WatchMoments {
  const usual = totalMs < 2000 ? totalMs / 4 : Math.max(500, Math.min(totalMs / 10, 3000));
  const datagram = Math.min(Math.max(totalMs / 20, DATAGRAM_MARGIN_MIN_MS), DATAGRAM_MARGIN_MAX_MS);
  const margin = Math.min(Math.max(marginMs ?? usual, datagram), totalMs * (1 - LONG_SHARE));
  return { longMs: totalMs * LONG_SHARE, lateMs: totalMs - margin, lastMs: totalMs - datagram };
}

/** Whether an invocation that took so long of its `totalMs` has come into the margin of its deadline. */
export const isLate = (tookMs: number, totalMs: number, marginMs?: number): boolean =>
  totalMs >= WATCHED_FROM_MS && tookMs >= momentsOf(totalMs, marginMs).lateMs;

export type InvocationWatchOptions<T> = {
  readonly marginMs: number | undefined;
  /** When it began, and how much time it was given. */
  timesOf(invocation: T): { readonly startedAt: Instant; readonly totalMs: number };
  long(invocation: T): void;
  late(invocation: T): void;
  last(invocation: T): void;
};

export class InvocationWatch<T extends object> {
  readonly #options: InvocationWatchOptions<T>;
  /** How many of its moments have come. */
  readonly #stages = new WeakMap<T, number>();

  constructor(options: InvocationWatchOptions<T>) {
    this.#options = options;
  }

  /** Tells of every moment that has come; returns after how many milliseconds the next one comes. */
  look(invocations: Iterable<T>): number {
    const at = now();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const invocation of invocations) nextAt = Math.min(nextAt, this.#lookAt(invocation, at));
    return nextAt - at;
  }

  #lookAt(invocation: T, at: Instant): Instant {
    const { long, late, last, marginMs, timesOf } = this.#options;
    const { startedAt, totalMs } = timesOf(invocation);
    if (!(totalMs >= WATCHED_FROM_MS)) return Number.POSITIVE_INFINITY;
    const { longMs, lateMs, lastMs } = momentsOf(totalMs, marginMs);
    for (;;) {
      const stage = this.#stages.get(invocation) ?? 0;
      const dueAt = startedAt + ([longMs, lateMs, lastMs][stage] ?? Number.POSITIVE_INFINITY);
      if (at < dueAt) return dueAt;
      this.#stages.set(invocation, stage + 1);
      [long, late, last][stage]!(invocation);
    }
  }
}
