// Waiting until something becomes true, without polling: whoever changes the world says `changed()`, and every waiter looks again.

export type WaitOptions = {
  /** What is waited for, for the error text: "the runtime polled next". */
  readonly what: string;
  /** Milliseconds until the wait fails; 10 000 when not given. */
  readonly deadlineMs?: number;
};

/** Rejected with when a deadline passes; `details` tells what had happened until then. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout';
}

export class Conditions {
  readonly #looks = new Set<() => void>();
  readonly #details: () => string;

  /** `details` is appended to the error of a wait that failed: a state, the last log lines. */
  constructor(details: () => string = () => '') {
    this.#details = details;
  }

  /** Something happened: every waiter checks its condition again. */
  changed(): void {
    for (const look of [...this.#looks]) look();
  }

  /**
   * Resolves with the first truthy value of `check`, which is called now and after every change.
   * Throws WaitTimeout at the deadline, and whatever `check` throws.
   */
  waitFor<T>(check: () => T, { what, deadlineMs = 10_000 }: WaitOptions): Promise<NonNullable<T>> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        this.#looks.delete(look);
        clearTimeout(timer);
        settle();
      };
      const look = (): void => {
        try {
          const value = check();
          if (value) finish(() => resolve(value));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const timer = setTimeout(() => {
        const error = new WaitTimeout(`waited ${deadlineMs} ms in vain for: ${what}\n${this.#details()}`.trimEnd());
        finish(() => reject(error));
      }, deadlineMs);
      this.#looks.add(look);
      look();
    });
  }
}
