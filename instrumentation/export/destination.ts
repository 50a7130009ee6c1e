// One place that spans go to, with its own queue, its own books and its own failures: one that is down neither blocks nor starves
// another.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { now } from '../../runtime/lifecycle.ts';
import { wallNow } from '../../runtime/untouched.ts';
import type { DropReason, SpanAccount } from '../span-account.ts';
import type { Exporter, ExportOutcome, SpanBatch } from './exporter.ts';
import { SpanQueue } from './span-queue.ts';

export type DestinationOptions = {
  readonly name: string;
  readonly account: SpanAccount;
  /** It is reached over a network: spans that every such destination lost go to the fallback. */
  readonly isNetwork?: boolean;
  /** Makes the exporter; called at the first flush that has something for it, because loading it costs milliseconds. */
  open(): Exporter;
  /** Whether a batch is meant for this destination. */
  accepts(batch: SpanBatch): boolean;
  /** Spans, and bytes of them, that may wait; see span-queue.ts for who goes first when more do. */
  readonly maxQueuedSpans: number;
  readonly maxQueuedBytes: number;
  /** One line for the operator; called at the first failure of a row, and when it is over. */
  report(message: string): void;
};

/** What became of an export. */
export type LatestExport = {
  readonly spans: number;
  readonly sentSpans: number;
  readonly tookMs: number;
  readonly error: string | undefined;
};

export type FlushScope = {
  /** Also spans of invocations that still run. */
  readonly withRunning?: boolean;
  /** The process ends: a backend that was slow to fail is tried all the same. */
  readonly isLast?: boolean;
};

/** A failure that took this long cost somebody time; after two of them in a row the backend is left alone for ten times as long. */
const COSTLY_MS = 500;
const COSTLY_FAILURES = 2;
const HOLD_OFF_FACTOR = 10;

export class Destination {
  readonly name: string;
  readonly account: SpanAccount;
  readonly #options: DestinationOptions;
  readonly #queue: SpanQueue;
  #provisional: SpanBatch[] = [];
  #exporter: Exporter | undefined;
  /** undefined: nothing was sent yet. */
  latest: LatestExport | undefined;
  #isFailing = false;
  #costlyFailures = 0;
  #leftAloneUntil: { readonly epochMs: number; readonly instant: number } | undefined;
  /** Spans that left once without an answer, until somebody answers or they are dropped. */
  readonly #doubtful = new Set<ReadableSpan>();
  #sending: Promise<void> | undefined;
  /** What an export under way is about. */
  #inFlight: readonly SpanBatch[] | undefined;
  #onLoss: (batch: SpanBatch) => boolean = () => false;

  constructor(options: DestinationOptions) {
    this.name = options.name;
    this.account = options.account;
    this.#options = options;
    this.#queue = new SpanQueue({
      maxSpans: options.maxQueuedSpans,
      maxBytes: options.maxQueuedBytes,
      dropped: (reason, batch) => {
        this.#drop(reason, batch);
        this.#onLoss(batch);
      },
    });
  }

  get isNetwork(): boolean {
    return this.#options.isNetwork ?? false;
  }

  accepts(batch: SpanBatch): boolean {
    return this.#options.accepts(batch);
  }

  /** From now on `onLoss` is told what this destination gave up for good; it returns whether somebody else has taken it. */
  watchLosses(onLoss: (batch: SpanBatch) => boolean): void {
    this.#onLoss = onLoss;
  }

  get queuedSpans(): number {
    return this.#queue.spans;
  }

  get isPressed(): boolean {
    return this.#queue.isPressed;
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  get isSending(): boolean {
    return this.#sending !== undefined;
  }

  add(batch: SpanBatch): void {
    if (this.accepts(batch)) this.#queue.add(batch);
  }

  /**
   * Spans that have not ended, as they are now: sent with the next flush and not counted, because each comes again when it ends.
   * For destinations where the later version replaces the earlier one.
   */
  addProvisional(batch: SpanBatch): void {
    if (this.accepts(batch)) this.#provisional.push(batch);
  }

  /** Loads what a first flush would have to load. */
  open(): void {
    try {
      this.#exporter ??= this.#options.open();
    } catch {
      // The flush that needs it tells of it.
    }
  }

  /** Sends the queue, after a flush that is still under way; what could not be sent stays for the next. */
  async flush(deadlineEpochMs: number, { withRunning = true, isLast = false }: FlushScope = {}): Promise<void> {
    // A freeze or SIGTERM may come upon an export that has not ended.
    while (this.#sending !== undefined) await this.#sending;
    if (!isLast && this.#isLeftAlone) return;
    const sent = this.#sendAll(deadlineEpochMs, withRunning).finally(() => {
      this.#sending = undefined;
    });
    // A fault is told to whoever asked for this flush, not to those who wait for its end.
    this.#sending = sent.catch(() => {});
    await sent;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  /** The process ends: what waits goes to whoever takes it instead. What nobody takes goes on waiting. */
  giveUp(): void {
    const sending = this.#inFlight ?? [];
    this.#forgetInFlight();
    for (const batch of sending) this.#onLoss(batch);
    const isKept = (batch: SpanBatch): boolean => {
      const isTaken = this.#onLoss(batch);
      if (isTaken) this.#drop('given_up', batch);
      return !isTaken;
    };
    this.#queue.putBack(this.#takeAll().filter(isKept));
  }

  /** What waits, without what is under way. It goes on waiting. */
  get waiting(): readonly SpanBatch[] {
    const batches = this.#takeAll();
    this.#queue.putBack(batches);
    return batches;
  }

  /**
   * The process exits and nothing asynchronous will happen any more: sends what can be sent without waiting. Returns what is left,
   * which is this destination's no longer.
   */
  sendAtExit(): SpanBatch[] {
    const provisional = this.#provisional.splice(0);
    const waiting = this.#takeAll();
    this.#forgetInFlight();
    // Whoever sends them next does not know that they left once.
    this.account.resend(this.#settleDoubts(waiting));
    this.account.count.inFlight = 0;
    if (waiting.length === 0 && provisional.length === 0) return [];
    this.open();
    if (provisional.length > 0) this.#exporter?.exportAtExit?.(provisional);
    if (waiting.length === 0 || this.#exporter?.exportAtExit?.(waiting) !== true) return waiting;
    this.account.settle(countSpans(waiting));
    return [];
  }

  /** Returns how many of them may have arrived before. */
  #settleDoubts(batches: readonly SpanBatch[]): number {
    if (this.#doubtful.size === 0) return 0;
    const before = this.#doubtful.size;
    for (const { spans } of batches) for (const span of spans) this.#doubtful.delete(span);
    return before - this.#doubtful.size;
  }

  /** What was in doubt and has left again may be there twice; what did not leave again is in doubt still. */
  #resolveDoubts(
    batches: readonly SpanBatch[],
    unsent: readonly SpanBatch[],
    doubtful: readonly SpanBatch[],
    resentSpans: number,
  ): void {
    const again = this.#settleDoubts(doubtful);
    const waiting = this.#doubtful.size === 0 ? [] : unsent.flatMap(({ spans }) => spans);
    const inDoubt = waiting.filter((span) => this.#doubtful.delete(span));
    this.account.resend(resentSpans + again + this.#settleDoubts(batches));
    for (const span of inDoubt) this.#doubtful.add(span);
    for (const { spans } of doubtful) for (const span of spans) this.#doubtful.add(span);
    this.account.count.inFlight = this.#doubtful.size;
  }

  #drop(reason: DropReason, batch: SpanBatch): void {
    const doubtful = this.#settleDoubts([batch]);
    this.account.count.inFlight -= doubtful;
    this.account.drop('unknown_fate', doubtful);
    this.account.drop(reason, batch.spans.length - doubtful);
  }

  #takeAll(): SpanBatch[] {
    return this.#queue.take(true);
  }

  /** Nobody will know what became of what is being sent. */
  #forgetInFlight(): void {
    const inFlight = this.#inFlight ?? [];
    this.account.drop('unknown_fate', countSpans(inFlight));
    this.account.resend(this.#settleDoubts(inFlight));
    this.account.count.inFlight = this.#doubtful.size;
    this.#inFlight = undefined;
  }

  async #sendAll(deadlineEpochMs: number, withRunning: boolean): Promise<void> {
    const provisional = this.#provisional.splice(0);
    if (provisional.length > 0) await this.#export(provisional, deadlineEpochMs);
    const waitingBytes = this.#queue.bytes;
    const batches = this.#queue.take(withRunning);
    this.#queue.sendingBytes = waitingBytes - this.#queue.bytes;
    if (batches.length > 0) await this.#send(batches, deadlineEpochMs);
  }

  async #send(batches: readonly SpanBatch[], deadlineEpochMs: number): Promise<void> {
    const spans = countSpans(batches);
    const startedAt = now();
    this.#inFlight = batches;
    this.account.count.inFlight = spans + this.#doubtful.size;
    const outcome = await this.#export(batches, deadlineEpochMs);
    this.#queue.sendingBytes = 0;
    const tookMs = now() - startedAt;
    // The process exits: what was under way is in the books already.
    if (this.#inFlight !== batches) return;
    this.#inFlight = undefined;
    const { droppedSpans, dropReason = 'refused', unsent = [], doubtful = [], resentSpans = 0 } = outcome;
    const unsentSpans = countSpans(unsent);
    const lost = lostBy(outcome, batches);
    for (const batch of lost) this.#onLoss(batch);
    const lostDoubtful = this.#settleDoubts(lost);
    this.account.drop('unknown_fate', lostDoubtful);
    this.account.drop(dropReason, droppedSpans - lostDoubtful);
    this.account.settle(spans - droppedSpans - unsentSpans);
    this.#resolveDoubts(batches, unsent, doubtful, resentSpans);
    if (unsentSpans > 0) this.#queue.putBack(unsent);
    this.latest = { spans, sentSpans: spans - droppedSpans - unsentSpans, tookMs, error: outcome.error };
    this.#watchCost(outcome, tookMs);
    this.#reportChange(outcome);
  }

  async #export(batches: readonly SpanBatch[], deadlineEpochMs: number): Promise<ExportOutcome> {
    try {
      this.#exporter ??= this.#options.open();
      return await this.#exporter.export(batches, deadlineEpochMs);
    } catch (error) {
      return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `${error}` };
    }
  }

  #watchCost({ error }: ExportOutcome, tookMs: number): void {
    const isCostly = error !== undefined && tookMs >= COSTLY_MS;
    this.#costlyFailures = isCostly ? this.#costlyFailures + 1 : 0;
    const pauseMs = tookMs * HOLD_OFF_FACTOR;
    this.#leftAloneUntil =
      this.#costlyFailures < COSTLY_FAILURES ? undefined : { epochMs: wallNow() + pauseMs, instant: now() + pauseMs };
  }

  /** By both clocks: one stands still in a frozen process, the other may be set back. */
  get #isLeftAlone(): boolean {
    const until = this.#leftAloneUntil;
    return until !== undefined && wallNow() < until.epochMs && now() < until.instant;
  }

  #reportChange(outcome: ExportOutcome): void {
    const isFailing = outcome.error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const { droppedSpans } = this.account;
    this.#options.report(
      isFailing
        ? `the ${this.name} export failed: ${outcome.error}; ` +
            `${this.queuedSpans} spans wait for the next try, ${droppedSpans} are dropped so far`
        : `the ${this.name} export works again; ${droppedSpans} spans were dropped meanwhile`,
    );
  }
}

/** An exporter that does not say what it lost, sent nothing and keeps nothing lost everything. */
function lostBy(outcome: ExportOutcome, batches: readonly SpanBatch[]): readonly SpanBatch[] {
  if (outcome.lost !== undefined) return outcome.lost;
  return outcome.sentSpans === 0 && outcome.droppedSpans > 0 && outcome.unsent === undefined ? batches : [];
}

const countSpans = (batches: readonly SpanBatch[]): number =>
  batches.reduce((count, { spans }) => count + spans.length, 0);
