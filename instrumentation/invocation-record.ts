// One invocation that is recorded: its phases, the spans that belong to it, and what its outgoing calls need of it. Which
// invocations are recorded is decided elsewhere, and what its end means is worked out after the response, by invocation-end.ts.

import type { Baggage, Context } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Answer, HandlerOutcome, InitFacts, Instant, Invocation, TraceContext } from '../runtime/lifecycle.ts';
import { ROOT_CONTEXT, spanOf, withSpan } from './active-context.ts';
import type { ArrivedInvocation, ScopeFacts } from './arrived-invocation.ts';
import { withBaggage } from './baggage.ts';
import type { XrayPlacement } from './export/exporter.ts';
import type { LoopDelay } from './heartbeat.ts';
import { createSpanId } from './ids.ts';
import type { KeepReason, KeepRules } from './keep-rules.ts';
import type { CallOptions, CallScope } from './outgoing/call-scope.ts';
import { isValidSpanContext, type OutgoingTrace, traceparentOf } from './outgoing/propagation.ts';
import type { Parentage } from './parent.ts';
import { type PhaseDecisions, type PhaseOptions, type PhaseSpans, startPhases } from './phase-spans.ts';
import { RecordedSpan } from './recorded-span.ts';
import type { SpanCounts } from './span-counts.ts';
import { withParent } from './trace-header.ts';
import type { Trigger, TriggerOptions } from './triggers/trigger.ts';

/** What an invocation needs to know of the tracer. */
export type InvocationSurroundings = PhaseOptions & {
  /** Own phases stand in the trace, so that user segments hang under our Invocation. */
  readonly drawsPhases: boolean;
  readonly trigger: TriggerOptions;
  readonly counts: SpanCounts;
  parseBaggage(text: string): Baggage | undefined;
  /** A tracer of the user's own has taken the place of ours: its spans are none of ours. */
  hasForeignTracer(): boolean;
  /** Headers of the user's own instead of OpenTelemetry's. */
  readonly inject?: OutgoingTrace['inject'];
  /** Somebody wants to see spans when they start; `context` is where that happens. */
  spanStarted?(span: RecordedSpan, context: Context): void;
};

export type RecordOptions = PhaseDecisions & {
  readonly isSampledForXray: boolean;
  /** The rules by which it may be kept; undefined: the sampler wants it, or nothing is kept. */
  readonly keep: KeepRules | undefined;
  /** Drawn below it: an init that it has paid for. `shiftMs` is how much the clock's origin moved since. */
  readonly init: { readonly facts: InitFacts; readonly shiftMs: number } | undefined;
  readonly keeper: RecordKeeper;
};

/** What is done for a record, and is not its own business. */
export type RecordKeeper = {
  /** So many ended spans are worth handing over together. */
  batchSpans(): number;
  /** Spans were begun. */
  begun(): void;
  /** There are enough ended spans, or one that the invocation has left behind. */
  handOver(record: InvocationRecord): void;
};

/** Most invocations have no spans but their phases. */
const NONE: ReadonlySet<ReadableSpan> = new Set();

/** One invocation that is recorded. */
export class InvocationRecord implements ScopeFacts, CallScope {
  readonly isRecorded = true;
  readonly traceHeader: string | undefined;
  readonly traceContext: TraceContext | undefined;
  /** The X-Ray header outgoing calls continue, verbatim but for `Parent`. */
  readonly xrayHeader: string | undefined;
  readonly isSampledForXray: boolean;
  /** OTLP gets it: the sampler wants it, or a rule has kept it. */
  isSampledForOtlp: boolean;
  /** The sampler does not want it: its end decides by these, or has kept it by them. */
  keep: KeepRules | undefined;
  /** As far as it is known. */
  keptBecause: KeepReason | undefined;
  /** What W3C headers say: OTLP's decision, or X-Ray's where there is no OTLP destination to decide for. */
  readonly isSampledForW3c: boolean;
  readonly formats: ReadonlySet<string>;
  readonly inject: OutgoingTrace['inject'];

  readonly trigger: Trigger;
  readonly phases: PhaseSpans;
  readonly xray: XrayPlacement | undefined;
  readonly init: RecordOptions['init'];
  /** Of the handler. */
  readonly context: Context;
  /** Spans that have ended and were not handed over. */
  ended: ReadableSpan[] = [];
  /** undefined: none is. */
  hiddenFromXray: Set<ReadableSpan> | undefined;
  /** Time that the tracer itself has taken of it, milliseconds. */
  ownMs = 0;
  isClosed = false;

  readonly #options: InvocationSurroundings;
  readonly #keeper: RecordKeeper;
  readonly #arrived: ArrivedInvocation;
  #open: Set<ReadableSpan> | undefined;

  constructor(
    options: InvocationSurroundings,
    arrived: ArrivedInvocation,
    trigger: Trigger,
    parentage: Parentage,
    record: RecordOptions,
  ) {
    const { invocation } = arrived;
    this.#options = options;
    this.#keeper = record.keeper;
    this.#arrived = arrived;
    this.trigger = trigger;
    this.init = record.init;
    this.isSampledForXray = record.isSampledForXray;
    this.keep = record.keep;
    // That it is one is known at once: nothing of it has to wait.
    this.keptBecause = record.isColdStart && record.keep?.cold ? 'cold' : undefined;
    this.isSampledForOtlp = record.isSampledForOtlp || this.keptBecause !== undefined;
    this.isSampledForW3c = record.isSampledForW3c;
    this.formats = options.contextRules.formats;
    this.inject = options.inject;
    this.phases = startPhases(options, arrived, trigger, parentage, record);
    const { server, handler, all } = this.phases;
    const active = all[all.length - 1]!;
    this.count(all.length);
    this.context = withBaggage(withSpan(ROOT_CONTEXT, active), parentage.baggage, options.parseBaggage);
    if (options.spanStarted !== undefined) for (const span of all) options.spanStarted(span, this.context);
    // The AWS SDK sends it on: what follows belongs below the handler, not beside it.
    this.traceContext = invocation.traceContext && {
      ...invocation.traceContext,
      traceparent: traceparentOf(active.spanContext()),
    };

    const { header } = parentage;
    this.xrayHeader = invocation.traceHeader;
    this.traceHeader = invocation.traceHeader;
    if (record.isSampledForXray && header !== undefined) {
      this.xray = {
        traceId: header.root,
        parentId: header.parentId!,
        serverSpanId: server.spanContext().spanId,
        invocationSpanId: handler.spanContext().spanId,
      };
      // What the user's X-Ray SDK draws hangs under our Invocation, if that is certain to be drawn.
      if (options.drawsPhases) this.traceHeader = withParent(header, this.xray.invocationSpanId);
    }
  }

  get invocation(): Invocation {
    return this.#arrived.invocation;
  }

  get outcome(): HandlerOutcome | undefined {
    return this.#arrived.outcome;
  }

  get answer(): Answer | undefined {
    return this.#arrived.answer;
  }

  get route(): string | undefined {
    return this.#arrived.route;
  }

  get loopDelay(): LoopDelay {
    return this.#arrived.loopDelay;
  }

  /** Its spans wait for its end: OTLP gets all of them or none. */
  get isUndecided(): boolean {
    return this.keep !== undefined && !this.isSampledForOtlp;
  }

  /** What OTLP gets of it should the process be killed; as known at its beginning. */
  get otlpIfKilled(): boolean | KeepReason {
    const { keep, isSampledForOtlp } = this;
    if (keep === undefined) return isSampledForOtlp;
    return keep.errors ? 'errors' : (this.keptBecause ?? false);
  }

  /** Spans that were started in it and have not ended. */
  get open(): ReadonlySet<ReadableSpan> {
    return this.#open ?? NONE;
  }

  /** Nobody will end them any more. */
  takeOpen(): ReadableSpan[] {
    const open = [...this.open];
    this.#open = undefined;
    return open;
  }

  /** It will not be answered, whatever comes. */
  forgetAnswer(): void {
    this.#arrived.answer = undefined;
  }

  /** Enters spans into the books of everybody who is to have them. */
  count(spans: number): void {
    const { xray, otlp } = this.#options.counts;
    if (this.isSampledForXray) xray.begun += spans;
    if (this.isSampledForOtlp || this.keep?.errors) otlp.begun += spans;
  }

  /** A span of the user's or of an instrumentation. */
  spanStarted(span: ReadableSpan): void {
    this.#add(span);
    this.count(1);
    this.#keeper.begun();
  }

  /** One that was given up has left already, as it was then. */
  spanEnded(span: ReadableSpan): void {
    if (this.#open?.delete(span) !== true) return;
    this.ended.push(span);
    if (this.isClosed || this.ended.length >= this.#keeper.batchSpans()) this.#keeper.handOver(this);
  }

  get span(): RecordedSpan {
    return this.phases.server;
  }

  startCall({ name, kind, startedAt, attributes, context }: CallOptions): RecordedSpan {
    const active = spanOf(context);
    const { all, handler } = this.phases;
    const activeContext = active?.spanContext();
    const parent = isValidSpanContext(activeContext) ? activeContext : handler.spanContext();
    const { traceId, traceFlags, traceState } = parent;
    const span = new RecordedSpan(this.#options, {
      name,
      kind,
      spanContext: { traceId, spanId: createSpanId(), traceFlags, ...(traceState && { traceState }) },
      parent,
      startedAt,
      attributes,
    });
    if (active !== undefined && !('forgetFailure' in active) && this.#options.hasForeignTracer()) {
      span.xrayParentId = all[all.length - 1]!.spanContext().spanId;
    }
    this.spanStarted(span);
    this.#options.spanStarted?.(span, context);
    return span;
  }

  endCall(span: RecordedSpan, at: Instant): void {
    if (span.ended) return;
    span.endAt(at);
    this.spanEnded(span);
  }

  resumeCall(span: RecordedSpan): boolean {
    const at = this.ended.indexOf(span);
    if (this.isClosed || at === -1) return false;
    this.ended.splice(at, 1);
    span.resume();
    this.#add(span);
    return true;
  }

  dropCall(span: RecordedSpan): void {
    if (this.#open?.delete(span)) this.count(-1);
  }

  hideFromXray(span: RecordedSpan): void {
    this.hiddenFromXray ??= new Set();
    this.hiddenFromXray.add(span);
  }

  #add(span: ReadableSpan): void {
    this.#open ??= new Set();
    this.#open.add(span);
  }
}
