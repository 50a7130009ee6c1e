// Follows every invocation from its arrival to its answer, and hands its spans to the way out when they are complete. Nothing here
// knows how spans leave the process, and nothing is done before the response that can wait until after it.

import type { Span } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Handful } from '../runtime/handful.ts';
import type { FlushReason, InitFacts, Invocation, InvocationObserver } from '../runtime/lifecycle.ts';
import {
  type ArrivalFacts,
  type ArrivalSurroundings,
  ArrivedInvocation,
  type InvocationScope,
} from './arrived-invocation.ts';
import type { Clock } from './clock.ts';
import type { AbruptEnd, Delivery, LateDelivery, PresentInvocations } from './export/delivery.ts';
import { earlyFactsOf, flightFactsOf } from './flight-facts.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { GarbageCollections } from './garbage-collections.ts';
import { createTraceId } from './ids.ts';
import type { InvocationRecord, InvocationSurroundings, RecordKeeper } from './invocation-record.ts';
import { NextLook } from './next-look.ts';
import type { XrayParentRule } from './parent.ts';
import type { ContextExtractor, InitShare, Recording, RecordingOptions } from './recording.ts';
import type { Sampler } from './sampler.ts';
import type { SpanCounts } from './span-counts.ts';
import { parseTraceHeader, type TraceHeader } from './trace-header.ts';

/** An init this long before its first invocation was paid by nobody who waits: drawing it would stretch the trace. */
const INIT_BELONGS_MS = 10_000;

/** When somebody looks after an invocation for the first time: a quarter of its time, but not much. */
const LOOK_SHARE = 0.25;
const LOOK_MS = 2000;
/** Ended spans that are worth handing over together, as long as nobody says otherwise. */
const BATCH_SPANS = 20;
/** A larger event is looked into at once: reading it a second time would cost more than it saves. */
const SMALL_EVENT_BYTES = 65_536;
/** Another invocation has it. */
const NO_INIT: InitShare = { facts: undefined, hasPaid: true, shiftMs: 0 };
/** SERVER and Invocation. */
const OWN_SPANS = 2;

export type RecorderOptions = Pick<
  ArrivalSurroundings,
  'active' | 'heartbeat' | 'drawsPhases' | 'runBeside' | 'fault'
> & {
  readonly clock: Clock;
  readonly counts: SpanCounts;
  readonly functionName: string;
  /** Loads what finds out what invocations are. */
  openRecording(changes: RecordingChanges): Recording;
  /** Takes what is ready to leave. */
  readonly delivery: LateDelivery;
  readonly invocations: PresentInvocations;
  /** undefined: nothing is written down for the case that the process is killed. */
  readonly flight: FlightRecorder | undefined;
  /** Nothing is recorded any more. */
  isOff(): boolean;
  /** Does `work`, whatever it throws: nobody else would catch it. */
  attempt(work: () => void): void;
  /** Answers wait until what is recorded is sent. */
  readonly holdsResponse: boolean;
  /** undefined: nobody observes them; `isToBegin` changes that. */
  collections(isToBegin?: boolean): GarbageCollections | undefined;
  /** X-Ray documents are wanted and there is a daemon to take them. */
  readonly hasXray: boolean;
  readonly hasOtlp: boolean;
  readonly sampler: Sampler;
  /** What the sampler does not want is sent all the same when it fails: it counts until its end says otherwise. */
  readonly keepsErrors: boolean;
  readonly xrayParent: XrayParentRule;
  /** Invocations that only keep the function warm are not recorded. */
  readonly dropsWarmUps: boolean;
  /** Several invocations run at once: a span that nobody can place belongs to none of them. */
  readonly isConcurrent: boolean;
};

/** What user code says of the recording before the first invocation. */
export type RecordingChanges = Pick<RecordingOptions, 'keeper' | 'extract' | 'sampler'> &
  Pick<InvocationSurroundings, 'inject' | 'spanStarted'>;

export class Recorder implements InvocationObserver {
  readonly #options: RecorderOptions;
  readonly #changes: { -readonly [Name in keyof RecordingChanges]: RecordingChanges[Name] };
  readonly #surroundings: ArrivalSurroundings;
  #recording: Recording | undefined;
  /** Held until the first recorded invocation takes it. */
  #init: InitFacts | undefined;
  /** The wall clock's time of the monotonic clock's zero when init ended. */
  #initOriginEpochMs = 0;
  #isFirst = true;
  #latest: ArrivedInvocation | undefined;
  /** Invocations that may be recorded, and that nobody has looked into. */
  readonly #undecided = new Handful<ArrivedInvocation>();
  readonly #nextLook: NextLook;
  /** An earlier invocation's spans. */
  #hasFlushed = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { active, heartbeat, drawsPhases, runBeside, fault, holdsResponse } = options;
    const { delivery, flight, sampler, clock, attempt } = options;
    this.#nextLook = new NextLook(
      () => clock.now(),
      () => attempt(() => this.#look()),
    );
    const keeper: RecordKeeper = {
      batchSpans: () => delivery.loaded?.batchSpans ?? BATCH_SPANS,
      begun: () => flight?.progress(),
      handOver: (record) => delivery.load().handOver(record),
    };
    this.#changes = { keeper, sampler, extract: undefined };
    this.#surroundings = {
      active,
      heartbeat,
      drawsPhases,
      fault,
      ...(runBeside && { runBeside }),
      decide: (arrived) => this.#decide(arrived),
      ...(holdsResponse && {
        hold: ({ scope }: ArrivedInvocation) =>
          scope.isRecorded ? delivery.load().hold(scope as InvocationRecord) : undefined,
      }),
      answered: (arrived) => this.#land(arrived),
    };
  }

  useExtractor(extract: ContextExtractor): void {
    this.#changes.extract = extract;
    this.#recording?.configure({ extract });
  }

  /** Before the first invocation. */
  configure({ sampler, inject, spanStarted }: Partial<RecordingChanges>): void {
    Object.assign(this.#changes, {
      ...(sampler && { sampler }),
      ...(inject && { inject }),
      ...(spanStarted && { spanStarted }),
    });
    this.#recording?.configure(this.#changes);
  }

  /** Loaded at the first question. */
  get recording(): Recording {
    this.#recording ??= this.#options.openRecording(this.#changes);
    return this.#recording;
  }

  initEnded(facts: InitFacts): void {
    const { clock, heartbeat, isConcurrent } = this.#options;
    this.#init = facts;
    this.#initOriginEpochMs = clock.epochMs(0);
    if (!isConcurrent) heartbeat.rest();
  }

  begin(invocation: Invocation, event: unknown, readEvent: () => unknown): ArrivedInvocation {
    const { clock, hasXray, hasOtlp, delivery, isConcurrent } = this.#options;
    const startedAt = clock.now();
    clock.anchor();
    const header = parseTraceHeader(invocation.traceHeader);
    const isOn = !this.#options.isOff();
    const isUrgent = header === undefined || this.#isUrgent(invocation);
    const facts: ArrivalFacts = {
      header,
      isSampledForXray: isOn && hasXray && header?.sampled === true && header.parentId !== undefined,
      isSampledForOtlp: isOn && hasOtlp && this.#isSampledEarly(header),
      isFirst: this.#isFirst,
      frozenMs: this.#options.heartbeat.begin(),
    };
    const arrived = new ArrivedInvocation(this.#surroundings, invocation, facts, isUrgent ? () => event : readEvent);
    this.#isFirst = false;
    delivery.loaded?.begin(invocation.deadlineEpochMs);
    if (!isConcurrent) this.#latest = arrived;
    if (isOn && (hasOtlp || facts.isSampledForXray)) {
      if (isUrgent) arrived.decide();
      else this.#follow(arrived);
    }
    arrived.ownMs += clock.now() - startedAt;
    return arrived;
  }

  /** A sampler of the user's own is asked once, when all is known: it may count. */
  #isSampledEarly(header: TraceHeader | undefined): boolean {
    const { sampler } = this.#options;
    return sampler !== this.#changes.sampler || sampler.isSampled(header?.traceId ?? '', undefined, header?.sampled);
  }

  /** Whether what it is cannot wait for the response. */
  #isUrgent({ eventBytes, traceContext }: Invocation): boolean {
    return (
      this.#options.isConcurrent ||
      this.#options.dropsWarmUps ||
      this.#changes.extract !== undefined ||
      traceContext !== undefined ||
      eventBytes > SMALL_EVENT_BYTES
    );
  }

  /** Writes down that it runs, and has its time watched. The last thing before the handler. */
  #follow(arrived: ArrivedInvocation): void {
    const { clock, flight } = this.#options;
    this.#undecided.add(arrived);
    this.#countEarly(arrived, OWN_SPANS);
    flight?.begin(earlyFactsOf(arrived, clock, this.#options));
    this.#lookAfter(arrived.invocation);
  }

  /** Its own spans are in the books before they are there, in case that the process is killed. */
  #countEarly({ facts }: ArrivedInvocation, spans: number): void {
    const { counts, keepsErrors } = this.#options;
    if (facts.isSampledForXray) counts.xray.begun += spans;
    if (facts.isSampledForOtlp || keepsErrors) counts.otlp.begun += spans;
  }

  #decide(arrived: ArrivedInvocation): InvocationScope {
    const { clock } = this.#options;
    const startedAt = clock.now();
    const isFollowed = this.#undecided.delete(arrived);
    if (isFollowed) this.#countEarly(arrived, -OWN_SPANS);
    try {
      const scope = this.recording.begin(arrived, arrived.takeEvent(), this.#initShare(arrived));
      if (!scope.isRecorded) {
        if (isFollowed) this.#options.flight?.landUnrecorded();
        return scope;
      }
      this.#record(scope, arrived, isFollowed);
      scope.ownMs = arrived.ownMs + clock.now() - startedAt;
      return scope;
    } catch (error) {
      if (isFollowed) this.#options.flight?.landUnrecorded();
      throw error;
    }
  }

  #record(record: InvocationRecord, arrived: ArrivedInvocation, isFollowed: boolean): void {
    const { clock, flight, invocations, isConcurrent } = this.#options;
    this.#init = undefined;
    if (arrived.answer !== undefined) {
      invocations.answered.push(record);
      return;
    }
    invocations.flying.add(record);
    if (isFollowed) {
      flight?.know(flightFactsOf(record, clock), record);
      return;
    }
    flight?.begin(isConcurrent ? undefined : flightFactsOf(record, clock), record);
    this.#lookAfter(arrived.invocation);
  }

  #land(arrived: ArrivedInvocation): void {
    const { invocations } = this.#options;
    const { decided } = arrived;
    // It will not be recorded, and is kept until the next one comes: its event may be large.
    if (decided === undefined && !this.#undecided.has(arrived)) arrived.forgetEvent();
    if (!decided?.isRecorded) return;
    invocations.flying.delete(decided as InvocationRecord);
    invocations.answered.push(decided as InvocationRecord);
  }

  #decideAll(): void {
    for (const arrived of this.#undecided) arrived.decide();
  }

  #initShare({ invocation: { receivedAt } }: ArrivedInvocation): InitShare {
    const { clock } = this.#options;
    const facts = this.#init;
    if (facts === undefined) return NO_INIT;
    // Of the wall clock: the monotonic one may have stood still meanwhile.
    const sinceMs = clock.epochMs(receivedAt) - (this.#initOriginEpochMs + facts.endedAt);
    return { facts, hasPaid: sinceMs <= INIT_BELONGS_MS, shiftMs: clock.epochMs(0) - this.#initOriginEpochMs };
  }

  #lookAfter({ receivedAt, deadlineEpochMs }: Invocation): void {
    this.#nextLook.within(Math.min((deadlineEpochMs - this.#options.clock.epochMs(receivedAt)) * LOOK_SHARE, LOOK_MS));
  }

  #look(): void {
    const { delivery, invocations } = this.#options;
    this.#decideAll();
    if (invocations.flying.size > 0) this.#nextLook.within(Math.min(delivery.load().watch(), LOOK_MS));
  }

  /** Where a span that is started now belongs: where nobody knows, to the latest invocation, if they run one by one. */
  owner(): InvocationRecord | undefined {
    const owner = this.here();
    // Only records say so of themselves.
    return owner?.isRecorded ? (owner as InvocationRecord) : undefined;
  }

  /** Of an invocation as a whole, when it is recorded. */
  spanOf(observation: object): Span | undefined {
    if (!(observation instanceof ArrivedInvocation)) return undefined;
    const { scope } = observation;
    return scope.isRecorded ? (scope as InvocationRecord).span : undefined;
  }

  /** The invocation that the running code belongs to, recorded or not. */
  here(): InvocationScope | undefined {
    return this.arrivedHere()?.scope;
  }

  /** The same, without working out what it is. */
  arrivedHere(): ArrivedInvocation | undefined {
    return this.#options.active.owner() ?? this.#latest;
  }

  /** The invocation that is running now, whatever the running code belongs to; undefined when there may be several. */
  present(): InvocationScope | undefined {
    return this.#latest?.scope;
  }

  /** A span of the user's or of an instrumentation started. */
  spanStarted(span: ReadableSpan): void {
    const owner = this.owner();
    if (owner === undefined) return;
    spanOwners.set(span, owner);
    owner.spanStarted(span);
  }

  spanEnded(span: ReadableSpan): void {
    const owner = spanOwners.get(span);
    if (owner === undefined) return;
    // What a weak map holds outlives the next collection of the young, whatever its key does.
    spanOwners.delete(span);
    owner.spanEnded(span);
  }

  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    const { heartbeat, collections, clock, isConcurrent } = this.#options;
    for (const arrived of this.#undecided) {
      if (reason !== 'invocation' || arrived.answer !== undefined) arrived.decide();
    }
    if (reason !== 'invocation') this.#tellFailedInit();
    await this.#delivery?.flush(reason, deadlineEpochMs);
    // It loads something, which an environment of one invocation need not pay for, nor one that ends.
    collections(reason === 'invocation' && this.#hasFlushed)?.forgetBefore(clock.now());
    this.#hasFlushed = true;
    if (!isConcurrent) heartbeat.rest();
  }

  /** X-Ray has no place for it: there is no trace before the first invocation's header. */
  #tellFailedInit(): void {
    const { delivery, hasOtlp, keepsErrors } = this.#options;
    const facts = this.#init;
    if (!facts?.errorType || !hasOtlp) return;
    const traceId = createTraceId();
    const isSampled = this.#changes.sampler.isSampled(traceId, undefined, undefined);
    if (isSampled || keepsErrors) delivery.load().initFailed({ facts, traceId, isSampled });
  }

  /** The process exits, now. */
  exit(end: AbruptEnd): void {
    this.#decideAll();
    this.#delivery?.exit(end);
  }

  /** undefined: nothing was ever recorded. */
  get #delivery(): Delivery | undefined {
    const { delivery, invocations } = this.#options;
    return invocations.flying.size + invocations.answered.length > 0 ? delivery.load() : delivery.loaded;
  }
}

const spanOwners = new WeakMap<ReadableSpan, InvocationRecord>();
