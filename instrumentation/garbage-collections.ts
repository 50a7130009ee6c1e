// Pauses of the garbage collector, as Node reports them. Observing loads `perf_hooks`, 1.4 ms: it begins after the second response.

import type { PerformanceEntry } from 'node:perf_hooks';
import { type Instant, now } from '../runtime/lifecycle.ts';
import { openPerformance } from './performance-clock.ts';

export type GcPauses = { readonly count: number; readonly totalMs: number };

/** More than an invocation between two flushes has; then the oldest are forgotten. */
const MOST_KEPT = 1000;

export class GarbageCollections {
  readonly #observer: { takeRecords(): PerformanceEntry[] };
  /** Between Node's time origin and ours. */
  readonly #offsetMs: number;
  #pauses: { readonly startedAt: Instant; readonly durationMs: number }[] = [];

  constructor() {
    const { PerformanceObserver } = process.getBuiltinModule('node:perf_hooks');
    const performance = openPerformance();
    // The reading with the least time between both clocks is the truest.
    this.#offsetMs = Math.max(...Array.from({ length: 5 }, () => now() - performance.now()));
    const observer = new PerformanceObserver((list) => this.#add(list.getEntries()));
    observer.observe({ entryTypes: ['gc'] });
    this.#observer = observer;
  }

  /** Pauses that began in this time. */
  within(startedAt: Instant, endedAt: Instant): GcPauses {
    this.#add(this.#observer.takeRecords());
    let count = 0;
    let totalMs = 0;
    for (const pause of this.#pauses) {
      if (pause.startedAt < startedAt || pause.startedAt > endedAt) continue;
      count++;
      totalMs += pause.durationMs;
    }
    return { count, totalMs };
  }

  /** What was before matters to nobody any more. */
  forgetBefore(at: Instant): void {
    if (this.#pauses.length > 0) this.#pauses = this.#pauses.filter(({ startedAt }) => startedAt >= at);
  }

  #add(entries: readonly PerformanceEntry[]): void {
    for (const { startTime, duration } of entries) {
      this.#pauses.push({ startedAt: startTime + this.#offsetMs, durationMs: duration });
    }
    if (this.#pauses.length > MOST_KEPT) this.#pauses = this.#pauses.slice(-MOST_KEPT);
  }
}
