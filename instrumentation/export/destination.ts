// One place that spans go to, with its own queue and its own failures: one that is down neither blocks nor starves another.

import type { Exporter, ExportOutcome, SpanBatch } from './exporter.ts';

export type DestinationOptions = {
  readonly name: string;
  /** Makes the exporter; called at the first flush that has something for it, because loading it costs milliseconds. */
  open(): Exporter;
  /** Whether a batch is meant for this destination. */
  accepts(batch: SpanBatch): boolean;
  /** Spans kept for another try when sending failed; the oldest batches go first. */
  readonly maxQueuedSpans: number;
  /** It is reached over a network: spans that every such destination lost go to the fallback. */
  readonly isNetwork?: boolean;
  /** One line for the operator; called at the first failure of a row, and when it is over. */
  report(message: string): void;
};

export class Destination {
  readonly name: string;
  readonly #options: DestinationOptions;
  #exporter: Exporter | undefined;
  #queue: SpanBatch[] = [];
  #queuedSpans = 0;
  #droppedSpans = 0;
  #isFailing = false;
  #sending: Promise<void> | undefined;
  /** What is being sent. */
  #inFlight: readonly SpanBatch[] = [];
  #onLoss: (batches: readonly SpanBatch[]) => void = () => {};

  constructor(options: DestinationOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get isNetwork(): boolean {
    return this.#options.isNetwork ?? false;
  }

  accepts(batch: SpanBatch): boolean {
    return this.#options.accepts(batch);
  }

  /** From now on `onLoss` is told what this destination gave up for good. */
  watchLosses(onLoss: (batches: readonly SpanBatch[]) => void): void {
    this.#onLoss = onLoss;
  }

  add(batch: SpanBatch): void {
    if (!this.#options.accepts(batch)) return;
    this.#queue.push(batch);
    this.#queuedSpans += batch.spans.length;
    this.#bound();
  }

  /** Loads what a first flush would have to load. Never throws: that flush tries again, and tells why when it cannot. */
  open(): void {
    try {
      this.#exporter ??= this.#options.open();
    } catch {}
  }

  /** Gives up what is left: the process ends. */
  giveUp(): void {
    const left = [...this.#inFlight, ...this.#queue];
    this.#inFlight = [];
    this.#queue = [];
    this.#queuedSpans = 0;
    if (left.length > 0) this.#onLoss(left);
  }

  /** Sends the queue, after a flush that is still under way; what could not be sent stays for the next. Never rejects. */
  async flush(deadlineEpochMs: number): Promise<void> {
    // A freeze or SIGTERM may come upon an export that has not ended.
    while (this.#sending !== undefined) await this.#sending;
    if (this.#queue.length === 0) return;
    this.#sending = this.#send(deadlineEpochMs);
    await this.#sending;
    this.#sending = undefined;
  }

  async #send(deadlineEpochMs: number): Promise<void> {
    const batches = this.#queue;
    this.#queue = [];
    this.#queuedSpans = 0;
    this.#inFlight = batches;
    let outcome: ExportOutcome;
    try {
      this.#exporter ??= this.#options.open();
      outcome = await this.#exporter.export(batches, deadlineEpochMs);
    } catch (error) {
      outcome = { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `${error}` };
    }
    this.#inFlight = [];
    const lost = lostBy(outcome, batches);
    if (lost.length > 0) this.#onLoss(lost);
    this.#droppedSpans += outcome.droppedSpans;
    if (outcome.unsent !== undefined) {
      this.#queue = [...outcome.unsent, ...this.#queue];
      this.#queuedSpans = this.#queue.reduce((sum, batch) => sum + batch.spans.length, 0);
      this.#bound();
    }
    this.#reportChange(outcome);
  }

  #bound(): void {
    while (this.#queuedSpans > this.#options.maxQueuedSpans && this.#queue.length > 1) {
      const oldest = this.#queue.shift()!;
      this.#queuedSpans -= oldest.spans.length;
      this.#droppedSpans += oldest.spans.length;
      this.#onLoss([oldest]);
    }
  }

  #reportChange(outcome: ExportOutcome): void {
    const isFailing = outcome.error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const queued = `${this.#queuedSpans} spans wait for the next try, ${this.#droppedSpans} are dropped so far`;
    this.#options.report(
      isFailing
        ? `the ${this.name} export failed: ${outcome.error}; ${queued}`
        : `the ${this.name} export works again; ${this.#droppedSpans} spans were dropped meanwhile`,
    );
  }
}

/** An exporter that does not say what it lost, sent nothing and keeps nothing lost everything. */
function lostBy(outcome: ExportOutcome, batches: readonly SpanBatch[]): readonly SpanBatch[] {
  if (outcome.lost !== undefined) return outcome.lost;
  return outcome.sentSpans === 0 && outcome.droppedSpans > 0 && outcome.unsent === undefined ? batches : [];
}
