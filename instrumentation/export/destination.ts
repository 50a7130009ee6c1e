// One place that spans go to, with its own queue, its own books and its own failures: one that is down neither blocks nor starves
// another.

import { now } from '../../runtime/lifecycle.ts';
import { wallNow } from '../../runtime/untouched.ts';
import type { DropReason, SpanAccount } from '../span-account.ts';
import { DoubtfulSpans } from './doubtful-spans.ts';
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

const NONE: readonly SpanBatch[] = [];
const NOTHING_TO_DO = Promise.resolve();

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
  readonly #doubtful = new DoubtfulSpans();
  #isSending = false;
  /** Who waits for the end of the flush that is under way. */
  #waiters: (() => void)[] = [];
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
    return this.#isSending;
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
  flush(deadlineEpochMs: number, scope: FlushScope = {}): Promise<void> {
    const isIdle = !this.#isSending && this.#queue.spans === 0 && this.#provisional.length === 0;
    return isIdle ? NOTHING_TO_DO : this.#flush(deadlineEpochMs, scope);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#isSending) await new Promise<void>((resolve) => this.#waiters.push(resolve));
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
    this.account.resend(this.#doubtful.settle(waiting));
    this.account.count.inFlight = 0;
    if (waiting.length === 0 && provisional.length === 0) return [];
    this.open();
    if (provisional.length > 0) this.#exporter?.exportAtExit?.(provisional);
    if (waiting.length === 0 || this.#exporter?.exportAtExit?.(waiting) !== true) return waiting;
    this.account.settle(countSpans(waiting));
    return [];
  }

  #drop(reason: DropReason, batch: SpanBatch): void {
    const doubtful = this.#doubtful.settle([batch]);
    this.account.count.inFlight -= doubtful;
    this.account.drop('unknown_fate', doubtful);
    this.account.drop(reason, batch.spans.length - doubtful);
  }

  #takeAll(): SpanBatch[] {
    return this.#queue.take(true);
  }

  /** Nobody will know what became of what is being sent. */
  #forgetInFlight(): void {
    const inFlight = this.#inFlight ?? NONE;
    this.account.drop('unknown_fate', countSpans(inFlight));
    this.account.resend(this.#doubtful.settle(inFlight));
    this.account.count.inFlight = this.#doubtful.size;
    this.#inFlight = undefined;
  }

  async #flush(deadlineEpochMs: number, { withRunning = true, isLast = false }: FlushScope): Promise<void> {
    // A freeze or SIGTERM may come upon an export that has not ended.
    while (this.#isSending) await this.settled();
    if (!isLast && this.#isLeftAlone) return;
    this.#isSending = true;
    try {
      if (this.#provisional.length > 0) await this.#export(this.#provisional.splice(0), deadlineEpochMs);
      const batches = this.#takeOff(withRunning);
      if (batches.length === 0) return;
      const startedAt = now();
      const outcome = await this.#export(batches, deadlineEpochMs);
      this.#land(batches, outcome, now() - startedAt);
    } finally {
      this.#isSending = false;
      if (this.#waiters.length > 0) for (const resume of this.#waiters.splice(0)) resume();
    }
  }

  #takeOff(withRunning: boolean): readonly SpanBatch[] {
    const waitingBytes = this.#queue.bytes;
    const batches = this.#queue.take(withRunning);
    this.#queue.sendingBytes = waitingBytes - this.#queue.bytes;
    if (batches.length === 0) return batches;
    this.#inFlight = batches;
    this.account.count.inFlight = countSpans(batches) + this.#doubtful.size;
    return batches;
  }

  #land(batches: readonly SpanBatch[], outcome: ExportOutcome, tookMs: number): void {
    this.#queue.sendingBytes = 0;
    // The process exits: what was under way is in the books already.
    if (this.#inFlight !== batches) return;
    this.#inFlight = undefined;
    const { droppedSpans, dropReason = 'refused', unsent = NONE, error } = outcome;
    const spans = countSpans(batches);
    const unsentSpans = countSpans(unsent);
    const sentSpans = spans - droppedSpans - unsentSpans;
    if (droppedSpans > 0) this.#lose(lostBy(outcome, batches), droppedSpans, dropReason);
    this.account.settle(sentSpans);
    this.account.resend(this.#doubtful.resolve(batches, outcome));
    this.account.count.inFlight = this.#doubtful.size;
    if (unsentSpans > 0) this.#queue.putBack(unsent);
    this.latest = { spans, sentSpans, tookMs, error };
    this.#watchCost(outcome, tookMs);
    this.#reportChange(outcome);
  }

  #lose(lost: readonly SpanBatch[], droppedSpans: number, reason: DropReason): void {
    for (const batch of lost) this.#onLoss(batch);
    const lostDoubtful = this.#doubtful.settle(lost);
    this.account.drop('unknown_fate', lostDoubtful);
    this.account.drop(reason, droppedSpans - lostDoubtful);
  }

  /** What an exporter throws or rejects with is an outcome like all others. */
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
function lostBy({ lost, sentSpans, unsent }: ExportOutcome, batches: readonly SpanBatch[]): readonly SpanBatch[] {
  return lost ?? (sentSpans === 0 && unsent === undefined ? batches : NONE);
}

function countSpans(batches: readonly SpanBatch[]): number {
  let count = 0;
  for (let at = 0; at < batches.length; at++) count += batches[at]!.spans.length;
  return count;
}
