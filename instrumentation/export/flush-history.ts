// What the adaptive mode knows: how often the function is invoked, and how often flushing failed.

import type { FlushMode } from './flush-policy.ts';

/** The numbers of the Rust extension: twenty invocations are looked at, and two minutes apart on average counts as seldom. */
const STAMPS = 20;
const SELDOM_MS = 120_000;
/** So many failures in a row: nobody shall wait for this backend after every invocation. */
const FAILURES = 20;

export class FlushHistory {
  readonly #stamps: number[] = [];
  #failures = 0;

  /** An invocation has come. The wall clock: a frozen process's own may stand still. */
  invoked(epochMs: number): void {
    this.#stamps.push(epochMs);
    if (this.#stamps.length > STAMPS) this.#stamps.shift();
  }

  flushed(isFailed: boolean): void {
    this.#failures = isFailed ? this.#failures + 1 : 0;
  }

  /** `async` until the history is long enough: an environment that is seldom invoked may never get another chance. */
  mode(): Extract<FlushMode, 'async' | 'continuous'> {
    if (this.#failures >= FAILURES) return 'continuous';
    if (this.#stamps.length < STAMPS) return 'async';
    const averageMs = (this.#stamps.at(-1)! - this.#stamps[0]!) / (STAMPS - 1);
    return averageMs > SELDOM_MS ? 'async' : 'continuous';
  }
}
