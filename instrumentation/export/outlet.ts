// Where recorded spans leave the recorder: every destination gets its share, a policy says when, and a flush serves them all,
// X-Ray's datagrams first because they cost microseconds and need no answer.

import { now } from '../../runtime/lifecycle.ts';
import { clearTimeout, random, setTimeout, wallNow } from '../../runtime/untouched.ts';
import type { AccountName } from '../span-counts.ts';
import type { Destination } from './destination.ts';
import type { SpanBatch } from './exporter.ts';
import { FlushHistory } from './flush-history.ts';
import { batchSpans, DEADLINE_MARGIN_MS, decideFlush, type FlushMode, type FlushMoment } from './flush-policy.ts';

/** An exporter ends at its deadline by itself; one that does not is left behind a little later. */
const GRACE_MS = 20;

/** Longer than a response may be held back for an export, whatever the export's own limit says. */
const LONGEST_HOLD_MS = 750;

export type OutletOptions = {
  /** In the order in which they are flushed. */
  readonly destinations: readonly Destination[];
  /** Gets the spans that every network destination which wanted them lost. */
  readonly fallback?: Destination | undefined;
  readonly mode: FlushMode | 'adaptive';
  readonly intervalMs: number;
  readonly batchSpans: number;
  readonly batchJitter: number;
  /** Bounds one flush of all of them. */
  readonly maxFlushMs: number;
  /** Runs work whose requests are nobody's spans. */
  untraced<T>(work: () => T): T;
  /** An export has begun, ended, or is waited for: what a killed process would leave looks different. */
  changed(): void;
  /** Something of the tracer's own went wrong. */
  fault(error: unknown): void;
};

type FlushOptions = { readonly withRunning: boolean; readonly moment: FlushMoment; readonly limitMs?: number };

export class Outlet {
  readonly #options: OutletOptions;
  readonly #history = new FlushHistory();
  #batchSpans: number;
  #flushedAtEpochMs = wallNow();
  /** Microseconds. */
  lastFlushUs = 0;
  /** The network destinations that lost spans of an invocation for good. */
  readonly #losers = new WeakMap<object, Set<Destination>>();

  constructor(options: OutletOptions) {
    this.#options = options;
    this.#batchSpans = this.#nextBatchSpans();
    const { destinations, fallback } = options;
    if (fallback === undefined) return;
    for (const destination of destinations) {
      if (destination.isNetwork) destination.watchLosses((batch) => this.#lose(destination, batch, fallback));
    }
  }

  /** Spans of one invocation that are worth handing over together. */
  get batchSpans(): number {
    return this.#batchSpans;
  }

  get isSending(): boolean {
    return this.#options.destinations.some(isSending);
  }

  destinationOf(name: AccountName): Destination | undefined {
    return this.#options.destinations.find(({ account }) => account.name === name);
  }

  get networkDestinations(): readonly Destination[] {
    return this.#options.destinations.filter(({ isNetwork }) => isNetwork);
  }

  add(batch: SpanBatch): void {
    for (const destination of this.#options.destinations) destination.add(batch);
  }

  /**
   * A moment at which something may be sent. Resolves when what has to be waited for is done, at the deadline at the latest, and
   * holds the process meanwhile; undefined: there is nothing to wait for.
   */
  meet(moment: FlushMoment, deadlineEpochMs: number): Promise<void> | undefined {
    const at = wallNow();
    if (moment === 'begun') this.#history.invoked(at);
    const { mode, intervalMs, destinations } = this.#options;
    let queuedSpans = 0;
    for (let which = 0; which < destinations.length; which++) {
      queuedSpans = Math.max(queuedSpans, destinations[which]!.queuedSpans);
    }
    const decision = decideFlush({
      mode: mode === 'adaptive' ? this.#history.mode() : mode,
      moment,
      queuedSpans,
      batchSpans: this.#batchSpans,
      isPressed: destinations.some(isPressed),
      // A wall clock that was set back must not put the next flush off.
      sinceFlushMs: Math.abs(at - this.#flushedAtEpochMs),
      intervalMs,
      leftMs: deadlineEpochMs - at,
    });
    if (decision === 'none') {
      // A freeze must not come upon an export that was begun beside the handler.
      return moment === 'answered' && this.isSending ? this.#joined(deadlineEpochMs) : undefined;
    }
    if (moment === 'running' && this.isSending) return undefined;
    const limitMs = moment === 'settled' ? LONGEST_HOLD_MS : Number.POSITIVE_INFINITY;
    const flushed = this.flush(deadlineEpochMs, { withRunning: moment !== 'answered', moment, limitMs });
    return decision === 'wait' ? flushed : undefined;
  }

  /** Sends what waits, whatever the policy says. Resolves when every destination is done or the time is up; never rejects. */
  async flush(
    deadlineEpochMs: number,
    { withRunning, moment, limitMs = Number.POSITIVE_INFINITY }: FlushOptions,
  ): Promise<void> {
    const { destinations, fallback, maxFlushMs, untraced, changed } = this.#options;
    try {
      const begin = now();
      const startedAt = wallNow();
      const leftMs = deadlineEpochMs - DEADLINE_MARGIN_MS - startedAt;
      const timeMs = Math.min(Number.isNaN(leftMs) ? Number.POSITIVE_INFINITY : leftMs, maxFlushMs, limitMs);
      const hasTime = timeMs > 0;
      if (hasTime) {
        this.#flushedAtEpochMs = startedAt;
        this.#batchSpans = this.#nextBatchSpans();
        const until = startedAt + timeMs;
        const scope = { withRunning, isLast: moment === 'ending' };
        const flushes = untraced(() => destinations.map((destination) => destination.flush(until, scope)));
        changed();
        await withinTime(flushes, timeMs + GRACE_MS);
      }
      if (fallback !== undefined) await this.#flushFallback(fallback, moment, deadlineEpochMs);
      changed();
      if (!hasTime) return;
      this.lastFlushUs = Math.round((now() - begin) * 1e3);
      this.#history.flushed(destinations.some(isFailing));
    } catch (error) {
      this.#options.fault(error);
    }
  }

  async #flushFallback(fallback: Destination, moment: FlushMoment, deadlineEpochMs: number): Promise<void> {
    if (moment === 'ending') for (const destination of this.networkDestinations) destination.giveUp();
    await fallback.flush(deadlineEpochMs);
  }

  /** Returns whether the fallback took it: when no other destination may still deliver it. */
  #lose(by: Destination, batch: SpanBatch, fallback: Destination): boolean {
    const whole = batch.whole ?? batch;
    const key = batch.invocation ?? whole;
    const losers = this.#losers.get(key) ?? new Set();
    this.#losers.set(key, losers.add(by));
    const hasHope = this.#options.destinations.some(
      (destination) => destination.isNetwork && destination.accepts(whole) && !losers.has(destination),
    );
    if (!hasHope) fallback.add(batch);
    return !hasHope;
  }

  async #joined(deadlineEpochMs: number): Promise<void> {
    const { destinations, maxFlushMs, changed } = this.#options;
    changed();
    const leftMs = Math.min(deadlineEpochMs - DEADLINE_MARGIN_MS - wallNow(), maxFlushMs);
    await withinTime(
      destinations.map((destination) => destination.settled()),
      leftMs,
    );
  }

  #nextBatchSpans(): number {
    return batchSpans(this.#options.batchSpans, this.#options.batchJitter, random());
  }
}

/** Resolves when all of `works` have, or the time is up. The timer holds the process: an export's socket alone might not. */
function withinTime(works: readonly Promise<void>[], timeMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, timeMs);
    let left = works.length + 1;
    const done = (): void => {
      left--;
      if (left > 0) return;
      clearTimeout(timer);
      resolve();
    };
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error);
    };
    for (const work of works) work.then(done, fail);
    done();
  });
}

const isSending = (destination: Destination): boolean => destination.isSending;
const isPressed = (destination: Destination): boolean => destination.isPressed;
const isFailing = (destination: Destination): boolean => destination.isFailing;
