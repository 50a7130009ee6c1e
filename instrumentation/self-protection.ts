// Counts the tracer's own faults, which are caught where the runtime and user code call it: after a number of them it is switched
// off for the rest of the process, with one line.

/** A fault may be the odd event's; so many are the tracer's. */
const MOST_FAULTS = 10;

export class SelfProtection {
  readonly #report: (message: string) => void;
  #faults = 0;

  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  /** Nothing is traced any more. */
  get isOff(): boolean {
    return this.#faults >= MOST_FAULTS;
  }

  /** Does `work`, whatever it throws. */
  attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fault(error);
    }
  }

  /** Tells of the first, and of the one that was too many. */
  fault(error: unknown): void {
    const count = ++this.#faults;
    if (count !== 1 && count !== MOST_FAULTS) return;
    const effect = this.isOff ? 'nothing is traced from now on' : 'the function is not affected';
    this.#report(`fault ${count} of the tracer, ${effect}: ${(error as Error | undefined)?.stack}`);
  }
}
