// Wall-clock time for spans, from the monotonic clock: durations stay true when the wall clock is corrected, and instants
// stay true when the process was frozen.

import type { HrTime } from '@opentelemetry/api';
import { type Instant, now as monotonicNow } from '../runtime/lifecycle.ts';
import { wallNow } from '../runtime/untouched.ts';

/** Where time comes from; the process's own clocks outside of tests. */
export type ClockSources = { monotonicNow(): Instant; wallNow(): number };

/** More than clock resolution: the wall clock was stepped, or the monotonic one stood still while the machine was suspended. */
const TOLERATED_DRIFT_MS = 2;

/** Epoch milliseconds as seconds and nanoseconds. */
export function epochHrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  const nanos = Math.round((epochMs - seconds * 1000) * 1e6);
  return nanos < 1e9 ? [seconds, nanos] : [seconds + 1, 0];
}

export class Clock {
  // The instant zero of the monotonic clock as whole seconds and nanoseconds: a sum of doubles would lose the microseconds.
  #originSeconds = 0;
  #originNanos = 0;
  #originEpochMs = 0;
  readonly #sources: ClockSources;

  constructor(sources: ClockSources = { monotonicNow, wallNow }) {
    this.#sources = sources;
    this.#setOrigin(sources.wallNow() - sources.monotonicNow());
  }

  /** Compares both clocks and follows the wall clock when it jumped. To be called whenever an invocation starts. */
  anchor(): void {
    const drift = this.#sources.wallNow() - (this.#originEpochMs + this.#sources.monotonicNow());
    if (Math.abs(drift) > TOLERATED_DRIFT_MS) this.#setOrigin(this.#originEpochMs + drift);
  }

  now(): Instant {
    return this.#sources.monotonicNow();
  }

  /** Seconds and nanoseconds since the epoch. */
  hrTime(at: Instant): HrTime {
    const nanos = this.#originNanos + Math.round(at * 1e6);
    const seconds = Math.floor(nanos / 1e9);
    return [this.#originSeconds + seconds, nanos - seconds * 1e9];
  }

  /** The time of `at` by the origin that `startedAt` was `startTime` by: the wall clock may have jumped since. */
  hrTimeBehind(startTime: HrTime, startedAt: Instant, at: Instant): HrTime {
    const [seconds, nanos] = this.hrTime(startedAt);
    const time = this.hrTime(at);
    if (seconds === startTime[0] && nanos === startTime[1]) return time;
    const end = time[1] - nanos + startTime[1];
    const carry = Math.floor(end / 1e9);
    return [time[0] - seconds + startTime[0] + carry, end - carry * 1e9];
  }

  epochMs(at: Instant): number {
    return this.#originEpochMs + at;
  }

  instant(epochMs: number): Instant {
    return epochMs - this.#originEpochMs;
  }

  #setOrigin(epochMs: number): void {
    this.#originEpochMs = epochMs;
    [this.#originSeconds, this.#originNanos] = epochHrTime(epochMs);
  }
}
