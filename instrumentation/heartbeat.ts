// Notices when the process does not get to run: the event loop held up within an invocation, the whole process frozen between two.
// One timer that beats; what it says is how late it is.

import { Handful } from '../runtime/handful.ts';
import type { Instant } from '../runtime/lifecycle.ts';
import { clearTimeout, setTimeout, wallNow } from '../runtime/untouched.ts';

type Timers = Pick<typeof globalThis, 'setTimeout' | 'clearTimeout'>;

const realTimers: Timers = { setTimeout, clearTimeout };

const PERIOD_MS = 20;
/** Between invocations the beats become rarer, up to this: nobody may be there to freeze the process. */
const LONGEST_PERIOD_MS = 1280;
/** Less than this is no freeze: a small function gets its share of the CPU in slices, with 100 ms and more in between. */
const FROZEN_MS = 250;

export type HeartbeatSources = {
  /** The clock of invocations. */
  now(): Instant;
  /** A clock that goes on while the process is frozen, whatever the monotonic one does. */
  wallNow?(): number;
  readonly timers?: Timers;
  /** Called with every beat within an invocation, each 20 ms. */
  beaten?(): void;
};

/** The longest time for which the event loop did not turn. */
export type LoopDelay = { maxMs: number };

export class Heartbeat {
  readonly #now: () => Instant;
  readonly #wallNow: () => number;
  readonly #timers: Timers;
  readonly #beaten: (() => void) | undefined;
  readonly #watching = new Handful<LoopDelay>();
  #timer: NodeJS.Timeout | undefined;
  #periodMs = PERIOD_MS;
  #dueAt: Instant = 0;
  #aliveEpochMs: number | undefined;
  #frozenMs = 0;

  constructor(sources: HeartbeatSources) {
    this.#now = () => sources.now();
    this.#wallNow = sources.wallNow ?? wallNow;
    this.#timers = sources.timers ?? realTimers;
    this.#beaten = sources.beaten;
  }

  /**
   * An invocation begins. Returns for how long the process had shown no sign of life since the last one ended, milliseconds of the
   * wall clock; 0 when it was never gone.
   */
  begin(): number {
    this.#noteGap();
    const frozenMs = this.#frozenMs;
    this.#frozenMs = 0;
    this.#aliveEpochMs = undefined;
    return frozenMs;
  }

  /** Follows the event loop until `stop`. */
  watch(): LoopDelay {
    const delay = { maxMs: 0 };
    this.#watching.add(delay);
    if (this.#watching.size === 1) this.#beatEvery(PERIOD_MS);
    return delay;
  }

  stop(delay: LoopDelay): void {
    if (!this.#watching.has(delay)) return;
    this.#noteDelay();
    this.#watching.delete(delay);
  }

  /** Nothing is left to do: from now on the process may be frozen. */
  rest(): void {
    if (this.#watching.size > 0) return;
    this.#aliveEpochMs = this.#wallNow();
    this.#beatEvery(PERIOD_MS);
  }

  #beatEvery(periodMs: number): void {
    this.#dueAt = this.#now() + periodMs;
    // Twice in every invocation: a timer that goes on costs a third of a new one.
    if (this.#timer !== undefined && periodMs === this.#periodMs) {
      this.#timer.refresh();
      return;
    }
    this.#timers.clearTimeout(this.#timer);
    this.#periodMs = periodMs;
    this.#timer = this.#timers.setTimeout(() => this.#beat(), periodMs);
    this.#timer.unref();
  }

  #beat(): void {
    const isBusy = this.#watching.size > 0;
    // Nobody listens: the last beat.
    if (!isBusy && this.#aliveEpochMs === undefined) {
      this.#timer = undefined;
      return;
    }
    if (isBusy) this.#noteDelay();
    else this.#noteGap();
    this.#beatEvery(isBusy ? PERIOD_MS : Math.min(this.#periodMs * 2, LONGEST_PERIOD_MS));
    if (isBusy) this.#beaten?.();
  }

  #noteDelay(): void {
    const lateMs = this.#now() - this.#dueAt;
    for (const delay of this.#watching) delay.maxMs = Math.max(delay.maxMs, lateMs);
  }

  #noteGap(): void {
    if (this.#aliveEpochMs === undefined) return;
    const aliveEpochMs = this.#wallNow();
    const goneMs = aliveEpochMs - this.#aliveEpochMs;
    if (goneMs > this.#periodMs + FROZEN_MS) this.#frozenMs += goneMs;
    this.#aliveEpochMs = aliveEpochMs;
  }
}
