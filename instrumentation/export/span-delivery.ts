// Everything that gets spans out of the process, put together: what is done at which moment of an invocation and of the process.
// Loaded at the first flush or at the first emergency.

import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Handful } from '../../runtime/handful.ts';
import type { FlushReason } from '../../runtime/lifecycle.ts';
import { setImmediate, wallNow } from '../../runtime/untouched.ts';
import type { FlightFacts } from '../flight-facts.ts';
import { drawFailedInit, type FailedInit } from '../init-spans.ts';
import { closeInvocation, type EndingScope, endPhases, isRecordedSpan, takeEnded } from '../invocation-end.ts';
import type { InvocationRecord } from '../invocation-record.ts';
import type { SpanAccount } from '../span-account.ts';
import { ProcessHandover } from '../spool/process-handover.ts';
import type { FlightTimes } from '../watchdog/flight-board.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import { attributesOf, statusOf } from './abrupt-end.ts';
import type { AbruptEnd, Delivery, DeliveryState, DeliverySurroundings } from './delivery.ts';
import type { Destination } from './destination.ts';
import type { SpanBatch } from './exporter.ts';
import { InvocationWatch, momentsOf } from './invocation-watch.ts';
import { Outlet, type OutletOptions } from './outlet.ts';
import { endedSnapshot } from './span-snapshot.ts';
import { TimeoutNotices } from './timeout-notices.ts';
import { UndecidedSpans, type UndecidedSpansOptions } from './undecided-spans.ts';

export type SpanDeliveryOptions = DeliverySurroundings & {
  /** Of X-Ray and of what the sampler decides on, as far as either is wanted. */
  readonly accounts: readonly SpanAccount[];
  readonly outlet: Omit<OutletOptions, 'untraced' | 'changed' | 'fault'>;
  /** How long before its deadline an invocation counts as late; undefined: by the rule in invocation-watch.ts. */
  readonly deadlineMarginMs: number | undefined;
  /** How many spans and bytes of invocations may wait that are kept or not when they end; undefined: none are. */
  readonly undecided: Pick<UndecidedSpansOptions, 'maxSpans' | 'maxBytes'> | undefined;
  /** Somebody will ask for the first spans. */
  readonly keepsSeenSpans?: boolean;
  /** undefined: a blocked event loop is not told of. */
  readonly watchdog: Watchdog | undefined;
  /** One line of the tracer's own for the operator. */
  report(message: string): void;
};

/** An environment that is shut down this close to a deadline is shut down because of it. */
const TIMED_OUT_MS = 100;
/** Spans that are never ended must not pile up: the oldest are taken as they are when there are more. */
const MOST_OPEN_SPANS = 512;
/** Calls have a word of their own for it. */
const UNFINISHED_CALL: Attributes = { 'spanstrap.call.is_unfinished': true };
const MOST_SEEN_SPANS = 1000;
/** No deadline of one invocation's. */
const NO_DEADLINE = Number.POSITIVE_INFINITY;

export class SpanDelivery implements Delivery {
  readonly #options: SpanDeliveryOptions;
  readonly #scope: EndingScope;
  readonly #destinations: readonly Destination[];
  readonly #outlet: Outlet;
  readonly #notices: TimeoutNotices;
  readonly #watch: InvocationWatch<InvocationRecord>;
  readonly #undecided: UndecidedSpans | undefined;
  readonly #handover: ProcessHandover;
  #isShutDown = false;
  /** What the process has left for the next one when it was about to exit. */
  #left: { readonly destination: Destination; readonly batches: readonly SpanBatch[] }[] = [];
  #seen: ReadableSpan[] | undefined;
  /** Invocations that have left, with spans that have not ended. */
  readonly #unfinished = new Handful<InvocationRecord>();

  constructor(options: SpanDeliveryOptions) {
    this.#options = options;
    const { outlet, clock } = options;
    if (options.keepsSeenSpans) this.#seen = [];
    this.#scope = {
      ...options,
      describeTracer: (attributes) => this.#describeTracer(attributes),
      ended: (record) => this.#undecided?.end(record),
    };
    this.#destinations = outlet.destinations;
    this.#outlet = new Outlet({
      ...outlet,
      untraced: options.untraced,
      changed: () => this.#handover.writeDown(),
      fault: (error) => options.fault(error),
    });
    this.#handover = new ProcessHandover({
      ...options,
      add: (batch) => this.#outlet.add(batch),
      report: (message) => options.report(message),
    });
    this.#undecided = this.#openUndecided();
    this.#notices = new TimeoutNotices(options, this.#outlet, this.#handover.spool, options.watchdog);
    this.#watch = new InvocationWatch({
      marginMs: options.deadlineMarginMs,
      timesOf: ({ invocation: { receivedAt, deadlineEpochMs } }) => ({
        startedAt: receivedAt,
        totalMs: deadlineEpochMs - clock.epochMs(receivedAt),
      }),
      long: (record) => this.#options.watchdog?.start(this.#timesOf(record)),
      late: (record) => this.#alarm(record, () => this.#notices.late(record)),
      last: (record) => this.#alarm(record, () => this.#notices.last(record)),
    });
  }

  get state(): DeliveryState {
    return {
      accounts: this.#options.accounts,
      destinations: this.#destinations,
      takeSeen: () => {
        const seen = this.#seen ?? [];
        this.#seen = undefined;
        return seen;
      },
    };
  }

  get batchSpans(): number {
    return this.#outlet.batchSpans;
  }

  openAhead(): void {
    for (const destination of this.#destinations) destination.open();
    this.#options.watchdog?.rest();
  }

  begin(deadlineEpochMs: number): void {
    const { outlet, watchdog, deadlineMarginMs } = this.#options;
    const { mode } = outlet;
    if (watchdog?.isRunning) watchdog.begin(flightTimes(wallNow(), deadlineEpochMs, deadlineMarginMs));
    if (mode === 'continuous' || mode === 'adaptive') void this.#outlet.meet('begun', deadlineEpochMs);
  }

  handOver(record: InvocationRecord): void {
    this.#takeEnded(record);
    if (record.isClosed) return;
    void this.#outlet.meet('running', record.invocation.deadlineEpochMs);
  }

  hold(record: InvocationRecord): Promise<void> | undefined {
    const { outcome } = record;
    // A streamed response has left already.
    if (outcome === undefined || (outcome.ok && outcome.isStreamed)) return undefined;
    this.#options.invocations.flying.delete(record);
    // What an earlier process lost stands on the root span, which ends here.
    this.#handover.recover();
    endPhases(record, this.#scope, outcome.at);
    this.#takeEnded(record);
    this.#land();
    return this.#outlet.meet('settled', record.invocation.deadlineEpochMs);
  }

  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    // The runtime's listener of SIGTERM is the first: what the user's listeners record belongs to this flush.
    if (reason === 'shutdown') await new Promise((resolve) => setImmediate(resolve));
    this.#handover.recover();
    if (reason === 'crash') this.#abandonAll({ how: 'crash' });
    if (reason === 'shutdown') {
      // An invocation that ran out of time costs the process its life, not the environment.
      this.#isShutDown = !this.#endForgotten();
    }
    this.#closeAnswered();
    this.#takeBack();
    this.#handover.discard();
    const { untraced } = this.#options;
    const others = this.#options.others();
    const elsewhere = others && untraced(() => others.flush(reason, deadlineEpochMs));
    const flushed = this.#outlet.meet(reason === 'invocation' ? 'answered' : 'ending', deadlineEpochMs);
    if (flushed === undefined) this.#handover.writeDown();
    await (elsewhere === undefined ? flushed : Promise.all([flushed, elsewhere]));
  }

  initFailed(failed: FailedInit): void {
    const spans = drawFailedInit(this.#scope, failed);
    this.#options.counts.otlp.begun += spans.length;
    this.#add({ spans, xray: undefined, isSampledForOtlp: true });
  }

  watch(): number {
    const { flying } = this.#options.invocations;
    this.#handover.recover();
    for (const record of flying) this.#takeEnded(record);
    void this.#outlet.meet('running', NO_DEADLINE);
    return this.#watch.look(flying);
  }

  takeOver(facts: FlightFacts | undefined): void {
    const hasDied = this.#handover.takeOver();
    // What nobody knows the reason of may happen again, and then somebody looks.
    if (!hasDied || facts === undefined) return;
    const { watchdog, deadlineMarginMs } = this.#options;
    watchdog?.start(flightTimes(facts[3], facts[4], deadlineMarginMs));
  }

  exit(end: AbruptEnd): void {
    this.#handover.recover();
    this.#abandonAll(end);
    this.#closeAnswered();
    this.#handover.discard();
    let isSomethingLeft = false;
    for (const destination of this.#destinations) {
      const batches = this.#options.untraced(() => destination.sendAtExit());
      if (!this.#handover.leave(destination.account, batches)) continue;
      isSomethingLeft = true;
      this.#left.push({ destination, batches });
    }
    // After SIGTERM there is no next process, or it is another environment's.
    this.#handover.close(isSomethingLeft, this.#isShutDown);
  }

  /** A listener of `exit` threw, and the process lives on: what it has left would be discarded. */
  #takeBack(): void {
    for (const { destination, batches } of this.#left.splice(0)) {
      for (const { isRunning: _, ...batch } of batches) destination.add(batch);
    }
  }

  #describeTracer(attributes: Attributes): void {
    for (const account of this.#options.accounts) if (account.hasLosses) account.describe(attributes);
  }

  /** Hands on what has ended of an invocation, or keeps it until that is decided. */
  #takeEnded(record: InvocationRecord): void {
    this.#undecided?.look(record);
    this.#add(takeEnded(record), record.isUndecided);
  }

  #openUndecided(): UndecidedSpans | undefined {
    const { undecided, accounts, clock, deadlineMarginMs } = this.#options;
    const account = accounts.find(({ name }) => name === 'otlp');
    if (undecided === undefined || account === undefined) return undefined;
    const add = (batch: SpanBatch): void => this.#outlet.add(batch);
    return new UndecidedSpans({ ...undecided, account, clock, deadlineMarginMs, add });
  }

  #add(batch: SpanBatch, isUndecided = false): void {
    if (batch.spans.length === 0) return;
    if (isUndecided) this.#undecided?.hold(batch);
    if (this.#seen !== undefined && this.#seen.length < MOST_SEEN_SPANS) this.#seen.push(...batch.spans);
    this.#options.others()?.spansEnded(batch.spans);
    this.#outlet.add(batch);
  }

  #alarm(record: InvocationRecord, sound: () => void): void {
    this.#takeEnded(record);
    sound();
  }

  /** Answered invocations leave with their `Overhead`; X-Ray is told of what they have not ended. */
  #closeAnswered(): void {
    const { invocations, clock } = this.#options;
    const at = clock.now();
    for (const record of invocations.answered) {
      this.#add(closeInvocation(record, this.#scope, at, this.#outlet.lastFlushUs));
      if (record.open.size === 0) continue;
      this.#notices.unended(record);
      this.#unfinished.add(record);
    }
    invocations.answered.length = 0;
    this.#land();
    if (this.#unfinished.size > 0) this.#boundUnfinished();
  }

  /** No invocation has its own spans in this process only. */
  #land(): void {
    const { flight, invocations } = this.#options;
    if (invocations.flying.size > 0) return;
    if (flight !== undefined) flight.state = 'landed';
    this.#options.watchdog?.rest();
    this.#countMarkers();
  }

  /** Markers that the watchdog has sent are in the books like all other spans. */
  #countMarkers(): void {
    const markers = this.#options.watchdog?.takeMarkers();
    if (markers === undefined) return;
    const { sent, lost } = markers;
    const account = this.#options.accounts.find(({ name }) => name === 'otlp');
    if (account === undefined || sent + lost === 0) return;
    account.count.begun += sent + lost;
    account.settle(sent);
    account.drop('refused', lost);
  }

  #timesOf({ invocation: { receivedAt, deadlineEpochMs } }: InvocationRecord): FlightTimes {
    const { clock, deadlineMarginMs } = this.#options;
    return flightTimes(clock.epochMs(receivedAt), deadlineEpochMs, deadlineMarginMs);
  }

  #boundUnfinished(): void {
    let spans = 0;
    for (const record of [...this.#unfinished].reverse()) {
      spans += record.open.size;
      if (record.open.size === 0) this.#unfinished.delete(record);
      else if (spans > MOST_OPEN_SPANS) this.#abandon(record, { how: 'forgotten' });
    }
  }

  /**
   * The process is shut down: nobody will end the spans of earlier invocations, nor an invocation that is out of time. Returns
   * whether there is such a one.
   */
  #endForgotten(): boolean {
    const { answered } = this.#options.invocations;
    let isAnyOutOfTime = false;
    for (const record of [...answered, ...this.#unfinished]) this.#abandon(record, { how: 'forgotten' });
    for (const record of this.#options.invocations.flying) {
      const isOutOfTime = wallNow() >= record.invocation.deadlineEpochMs - TIMED_OUT_MS;
      if (isOutOfTime) this.#abandon(record, { how: 'timeout' });
      isAnyOutOfTime ||= isOutOfTime;
    }
    return isAnyOutOfTime;
  }

  #abandonAll(end: AbruptEnd): void {
    const { flying, answered } = this.#options.invocations;
    for (const record of flying) this.#abandon(record, end);
    for (const record of [...answered, ...this.#unfinished]) if (record.open.size > 0) this.#abandon(record, end);
  }

  /** The invocation will not be answered, or its spans not ended: they are taken as they are. */
  #abandon(record: InvocationRecord, end: AbruptEnd): void {
    const { invocations, clock } = this.#options;
    const at = clock.now();
    const open = record.takeOpen();
    this.#unfinished.delete(record);
    const attributesFor = (span: ReadableSpan): Attributes => (isRecordedSpan(span) ? UNFINISHED_CALL : {});
    record.ended.push(...open.map((span) => endedSnapshot(span, clock.hrTime(at), attributesFor(span))));
    if (invocations.flying.delete(record)) {
      for (const phase of record.phases.all) {
        phase.setAttributes(attributesOf(end));
        phase.setStatus(statusOf(end));
      }
      record.forgetAnswer();
      invocations.answered.push(record);
    } else if (record.isClosed) this.#takeEnded(record);
  }
}

function flightTimes(startedEpochMs: number, deadlineEpochMs: number, marginMs: number | undefined): FlightTimes {
  const { lateMs, lastMs } = momentsOf(deadlineEpochMs - startedEpochMs, marginMs);
  return { lateEpochMs: startedEpochMs + lateMs, lastEpochMs: startedEpochMs + lastMs, deadlineEpochMs };
}
