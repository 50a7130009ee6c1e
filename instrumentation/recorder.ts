// Decides which invocations are recorded, and hands their spans to the way out when they are complete. Nothing here knows how
// spans leave the process, and nothing is done before the response that can wait until after it.

import type { Span } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type {
  FlushReason,
  InitFacts,
  Invocation,
  InvocationObservation,
  InvocationObserver,
} from '../runtime/lifecycle.ts';
import type { AbruptEnd, Delivery, LateDelivery, PresentInvocations } from './export/delivery.ts';
import { flightFactsOf } from './flight-facts.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { GarbageCollections } from './garbage-collections.ts';
import { InvocationRecord, type InvocationSurroundings, type RecordKeeper } from './invocation-record.ts';
import { onlyMessage } from './message-links.ts';
import type { CallScope, UnrecordedScope } from './outgoing/call-scope.ts';
import { chooseParent, type Parentage } from './parent.ts';
import { addAccount } from './resource.ts';
import type { Sampler } from './sampler.ts';
import { layeredCarrier } from './triggers/carriers.ts';
import type { Recogniser } from './triggers/recogniser.ts';
import type { Carrier, Trigger } from './triggers/trigger.ts';
import { UnrecordedInvocation } from './unrecorded-invocation.ts';

/** An init this long before its first invocation was paid by nobody who waits: drawing it would stretch the trace. */
const INIT_BELONGS_MS = 10_000;

/** When somebody looks after an invocation for the first time: a quarter of its time, but not much. */
const LOOK_SHARE = 0.25;
const LOOK_MS = 2000;
/** Ended spans that are worth handing over together, as long as nobody says otherwise. */
const BATCH_SPANS = 20;

// Captured before user code can mock them.
const { setTimeout, clearTimeout } = globalThis;

export type RecorderOptions = InvocationSurroundings & {
  /** Takes what is ready to leave. */
  readonly delivery: LateDelivery;
  readonly invocations: PresentInvocations;
  /** undefined: nothing is written down for the case that the process is killed. */
  readonly flight: FlightRecorder | undefined;
  /** Nothing is recorded any more. */
  isOff(): boolean;
  /** Answers wait until what is recorded is sent. */
  readonly holdsResponse: boolean;
  /** undefined: nobody observes them; `isToBegin` changes that. */
  collections(isToBegin?: boolean): GarbageCollections | undefined;
  /** X-Ray documents are wanted and there is a daemon to take them. */
  readonly hasXray: boolean;
  readonly hasOtlp: boolean;
  readonly sampler: Sampler;
  /** False where init was not waited for: provisioned concurrency. */
  readonly isColdStart: boolean;
  readonly recognise: Recogniser;
  /** What becomes of the context of a message that comes alone. */
  readonly messagingContext: 'link' | 'parent';
  /** Invocations that only keep the function warm are not recorded. */
  readonly dropsWarmUps: boolean;
  /** Several invocations run at once: a span that nobody can place belongs to none of them. */
  readonly isConcurrent: boolean;
};

type Scope = CallScope | UnrecordedScope;

/** Finds the context of the caller where only the user knows it to be; undefined: there is none. Never throws. */
export type ContextExtractor = (event: unknown, invocation: Invocation) => Carrier | undefined;

export class Recorder implements InvocationObserver {
  #options: RecorderOptions;
  /** Held until the first recorded invocation takes it. */
  #init: InitFacts | undefined;
  /** The wall clock's time of the monotonic clock's zero when init ended. */
  #initOriginEpochMs = 0;
  #isFirst = true;
  #extract: ContextExtractor | undefined;
  #latest: Scope | undefined;
  readonly #keeper: RecordKeeper;
  #timer: NodeJS.Timeout | undefined;
  #lookAt = Number.POSITIVE_INFINITY;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { delivery, flight, invocations, holdsResponse } = options;
    this.#keeper = {
      batchSpans: () => delivery.loaded?.batchSpans ?? BATCH_SPANS,
      begun: () => flight?.progress(),
      handOver: (record) => delivery.load().handOver(record),
      ...(holdsResponse && { hold: (record: InvocationRecord) => delivery.load().hold(record) }),
      answered(record) {
        invocations.flying.delete(record);
        invocations.answered.push(record);
      },
    };
  }

  useExtractor(extract: ContextExtractor): void {
    this.#extract = extract;
  }

  /** Before the first invocation. */
  configure(options: Partial<Pick<RecorderOptions, 'sampler' | 'inject' | 'spanStarted'>>): void {
    this.#options = { ...this.#options, ...options };
  }

  initEnded(facts: InitFacts): void {
    const { clock, heartbeat, isConcurrent } = this.#options;
    this.#init = facts;
    this.#initOriginEpochMs = clock.epochMs(0);
    if (!isConcurrent) heartbeat.rest();
  }

  begin(invocation: Invocation, event: unknown): InvocationObservation {
    const { clock, hasXray, hasOtlp, sampler, recognise, trigger: triggerOptions, delivery } = this.#options;
    const startedAt = clock.now();
    clock.anchor();
    const frozenMs = this.#options.heartbeat.begin();
    const trigger = recognise(event, triggerOptions, {
      clientContextJson: invocation.clientContextJson,
      eventBytes: invocation.eventBytes,
      receivedEpochMs: clock.epochMs(invocation.receivedAt),
    });
    const { isMessageParent, ...parentage } = this.#chooseParent(invocation, event, trigger);
    const { header } = parentage;
    const isWanted = !this.#options.isOff() && (trigger.source !== 'warm-up' || !this.#options.dropsWarmUps);
    const isSampledForXray = isWanted && hasXray && header?.sampled === true && header.parentId !== undefined;
    const isSampledForOtlp =
      isWanted && hasOtlp && sampler.isSampled(parentage.traceId, parentage.isParentSampled, header?.sampled);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const init = this.#init;
    const hasPaidForInit = init === undefined || this.#sinceInitMs(init, invocation) <= INIT_BELONGS_MS;
    if (isFirst) addAccount(this.#options.resource, invocation.invokedFunctionArn);
    delivery.loaded?.begin(invocation.deadlineEpochMs);
    if (!isSampledForXray && !isSampledForOtlp) {
      const unrecorded = new UnrecordedInvocation(this.#options, invocation.traceHeader, parentage);
      if (!this.#options.isConcurrent) this.#latest = unrecorded;
      return unrecorded;
    }
    const record = new InvocationRecord(this.#options, invocation, trigger, parentage, {
      isColdStart: isFirst && this.#options.isColdStart && hasPaidForInit,
      frozenMs,
      isMessageParent,
      isSampledForOtlp,
      isSampledForW3c: hasOtlp ? isSampledForOtlp : isSampledForXray,
      isSampledForXray,
      init: init && hasPaidForInit ? { facts: init, shiftMs: clock.epochMs(0) - this.#initOriginEpochMs } : undefined,
      keeper: this.#keeper,
    });
    this.#init = undefined;
    if (!this.#options.isConcurrent) this.#latest = record;
    this.#follow(record);
    record.ownMs += clock.now() - startedAt;
    return record;
  }

  /** Writes down that it runs, and has its time watched. The last thing before the handler. */
  #follow(record: InvocationRecord): void {
    const { clock, flight, isConcurrent, invocations } = this.#options;
    const { receivedAt, deadlineEpochMs } = record.invocation;
    invocations.flying.add(record);
    flight?.begin(isConcurrent ? undefined : flightFactsOf(record, clock), record);
    this.#lookIn(Math.min((deadlineEpochMs - clock.epochMs(receivedAt)) * LOOK_SHARE, LOOK_MS));
  }

  /** One timer for all invocations; one that ends leaves it alone. */
  #lookIn(ms: number): void {
    const { clock, delivery, invocations } = this.#options;
    const at = clock.now() + ms;
    // By the wall clock the deadline may have passed already, and Node warns of a timer for that.
    if (at >= this.#lookAt || !(ms > 0)) return;
    clearTimeout(this.#timer);
    this.#lookAt = at;
    this.#timer = setTimeout(() => {
      this.#lookAt = Number.POSITIVE_INFINITY;
      if (invocations.flying.size > 0) this.#lookIn(Math.min(delivery.load().watch(), LOOK_MS));
    }, ms);
    this.#timer.unref();
  }

  /** Of the wall clock: the monotonic one may have stood still meanwhile. */
  #sinceInitMs(init: InitFacts, { receivedAt }: Invocation): number {
    return this.#options.clock.epochMs(receivedAt) - (this.#initOriginEpochMs + init.endedAt);
  }

  #chooseParent(
    invocation: Invocation,
    event: unknown,
    trigger: Trigger,
  ): Parentage & { readonly isMessageParent: boolean } {
    const { contextRules, messagingContext } = this.#options;
    const { traceHeader: lambdaHeader, traceContext } = invocation;
    const extracted = this.#extract?.(event, invocation);
    // What the user's extractor finds is meant; what the platform says of itself comes after what the caller says.
    const platform = traceContext && { get: (name: string) => traceContext[name as keyof typeof traceContext] };
    const carrier = layeredCarrier(extracted, trigger.carrier, platform);
    const message = messagingContext === 'parent' && extracted === undefined ? onlyMessage(trigger) : undefined;
    const parentage = chooseParent({ lambdaHeader, carrier, message }, contextRules);
    return { ...parentage, isMessageParent: message !== undefined };
  }

  /** The invocation that a span belongs to; one started where nobody knows belongs to the latest, if they run one by one. */
  ownerOf(span: ReadableSpan | undefined): InvocationRecord | undefined {
    const owner = (span && spanOwners.get(span)) ?? this.here();
    // Only records say so of themselves.
    return owner?.isRecorded ? (owner as InvocationRecord) : undefined;
  }

  /** Of an invocation as a whole, when it is recorded. */
  spanOf(observation: object): Span | undefined {
    return observation instanceof InvocationRecord ? observation.span : undefined;
  }

  /** The invocation that the running code belongs to, recorded or not. */
  here(): Scope | undefined {
    return this.#options.active.owner() ?? this.#latest;
  }

  /** The invocation that is running now, whatever the running code belongs to; undefined when there may be several. */
  present(): Scope | undefined {
    return this.#latest;
  }

  /** A span of the user's or of an instrumentation started. */
  spanStarted(span: ReadableSpan): void {
    const owner = this.ownerOf(undefined);
    if (owner === undefined) return;
    spanOwners.set(span, owner);
    owner.spanStarted(span);
  }

  spanEnded(span: ReadableSpan): void {
    spanOwners.get(span)?.spanEnded(span);
  }

  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    const { heartbeat, collections, clock, isConcurrent } = this.#options;
    await this.#delivery?.flush(reason, deadlineEpochMs);
    // What begins with the first flush costs the start nothing, and the end should not pay for it.
    collections(reason === 'invocation')?.forgetBefore(clock.now());
    if (!isConcurrent) heartbeat.rest();
  }

  /** The process exits, now. */
  exit(end: AbruptEnd): void {
    this.#delivery?.exit(end);
  }

  /** undefined: nothing was ever recorded. */
  get #delivery(): Delivery | undefined {
    const { delivery, invocations } = this.#options;
    return invocations.flying.size + invocations.answered.length > 0 ? delivery.load() : delivery.loaded;
  }
}

const spanOwners = new WeakMap<ReadableSpan, InvocationRecord>();
