// One timer for all invocations that run long: the earliest look that anybody wants. An invocation that ends leaves it alone, so
// quick ones neither set nor clear timers.

import type { Instant } from '../runtime/lifecycle.ts';
import { clearTimeout, setTimeout } from '../runtime/untouched.ts';

export class NextLook {
  readonly #now: () => Instant;
  readonly #look: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at: Instant = Number.POSITIVE_INFINITY;

  /** `look` may ask for the next one. It does not throw. */
  constructor(now: () => Instant, look: () => void) {
    this.#now = now;
    this.#look = look;
  }

  /** In `ms` at the latest. A time that has passed is for nobody: by the wall clock a deadline may lie in the past. */
  within(ms: number): void {
    const at = this.#now() + ms;
    if (at >= this.#at || !(ms > 0)) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#look();
    }, ms);
    this.#timer.unref();
  }
}
