// The way out before it is opened: it keeps what is to leave, and opens the real one when the first spans are flushed. That is after
// the first response, and exporters need not be there sooner.

import type { FlushReason } from '../../runtime/lifecycle.ts';
import type { SpanBatch } from './exporter.ts';

/** What stands behind it: an `Outlet`. */
export interface OpenedOutlet {
  add(batch: SpanBatch): void;
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
  /** Loads all exporters ahead of the first flush. */
  open(): void;
}

export class LateOutlet {
  readonly #open: () => OpenedOutlet;
  #outlet: OpenedOutlet | undefined;
  #waiting: SpanBatch[] = [];

  constructor(open: () => OpenedOutlet) {
    this.#open = open;
  }

  add(batch: SpanBatch): void {
    if (this.#outlet === undefined) this.#waiting.push(batch);
    else this.#outlet.add(batch);
  }

  /** For environments whose init nobody waits for. Never throws: the flush tries again, and tells why when it cannot. */
  openAhead(): void {
    try {
      this.#opened().open();
    } catch {}
  }

  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    if (this.#outlet === undefined && this.#waiting.length === 0) return;
    await this.#opened().flush(reason, deadlineEpochMs);
  }

  #opened(): OpenedOutlet {
    if (this.#outlet === undefined) {
      this.#outlet = this.#open();
      for (const batch of this.#waiting) this.#outlet.add(batch);
      this.#waiting = [];
    }
    return this.#outlet;
  }
}
