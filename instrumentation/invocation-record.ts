// One invocation that is recorded: its phases, the spans that belong to it, and what its outgoing calls need of it. Which
// invocations are recorded is decided elsewhere.

import type { Baggage, Context, Span, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type {
  Answer,
  FlushReason,
  HandlerOutcome,
  InitFacts,
  Instant,
  Invocation,
  InvocationObservation,
  TraceContext,
} from '../runtime/lifecycle.ts';
import { type ActiveContext, ROOT_CONTEXT, spanOf, withSpan } from './active-context.ts';
import { withBaggage } from './baggage.ts';
import type { SpanBatch, XrayPlacement } from './export/exporter.ts';
import type { GarbageCollections } from './garbage-collections.ts';
import type { Heartbeat, LoopDelay } from './heartbeat.ts';
import { createSpanId } from './ids.ts';
import { drawInit } from './init-spans.ts';
import { describeInvocation } from './invocation-attributes.ts';
import { linksOf } from './message-links.ts';
import { describeOutcome } from './outcome.ts';
import type { CallOptions, CallScope, UnrecordedScope } from './outgoing/call-scope.ts';
import { isValidSpanContext, type OutgoingTrace, traceparentOf } from './outgoing/propagation.ts';
import type { ContextRules, Parentage } from './parent.ts';
import { RecordedSpan, type RecordingScope } from './recorded-span.ts';
import { withParent } from './trace-header.ts';
import type { Trigger, TriggerOptions } from './triggers/trigger.ts';

const INTERNAL = 0;
const SERVER = 1;
const CONSUMER = 4;
const SAMPLED = 1;
/** W3C Trace Context, level 2: the trace id is random. To be handed on as it came. */
const RANDOM = 2;

/** The event loop of any process is late by a little. */
const LOOP_DELAY_WORTH_TELLING_MS = 10;

/** Takes what is ready to leave. */
export interface SpanOutlet {
  add(batch: SpanBatch): void;
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
}

/** What an invocation needs to know of the tracer. */
export type InvocationSurroundings = RecordingScope & {
  readonly active: ActiveContext<CallScope | UnrecordedScope>;
  readonly outlet: SpanOutlet;
  readonly functionName: string;
  readonly functionVersion: string;
  /** Own phases stand in the trace, so that user segments hang under our Invocation. */
  readonly drawsPhases: boolean;
  readonly trigger: TriggerOptions;
  readonly contextRules: ContextRules;
  /** The processing of messages has a span of its own below `Invocation`, or is the span of the invocation itself. */
  readonly messagingSpans: 'nested' | 'flat';
  readonly heartbeat: Heartbeat;
  /** undefined: nobody observes them; `isToBegin` changes that. */
  collections(isToBegin?: boolean): GarbageCollections | undefined;
  parseBaggage(text: string): Baggage | undefined;
  /** Headers of the user's own instead of OpenTelemetry's. */
  readonly inject?: OutgoingTrace['inject'];
  /** Somebody wants to see spans when they start; `context` is where that happens. */
  spanStarted?(span: RecordedSpan, context: Context): void;
  /** Runs the handler where another tracer of the user's finds its parent as well; absent: there is none. */
  runBeside?<T>(parent: SpanContext | undefined, handler: () => T): T;
};

export type RecordOptions = {
  readonly isColdStart: boolean;
  /** How long the process had been frozen before, milliseconds; 0: it was not. */
  readonly frozenMs: number;
  /** The only message's context has become the parent: it needs no link. */
  readonly isMessageParent: boolean;
  readonly isSampledForOtlp: boolean;
  /** What W3C headers say: OTLP's decision, or X-Ray's where there is no OTLP destination to decide for. */
  readonly isSampledForW3c: boolean;
  readonly isSampledForXray: boolean;
  answered(record: InvocationRecord): void;
};

/** One invocation that is recorded. */
export class InvocationRecord implements InvocationObservation, CallScope {
  readonly isRecorded = true;
  readonly traceHeader: string | undefined;
  readonly traceContext: TraceContext | undefined;
  /** The X-Ray header outgoing calls continue, verbatim but for `Parent`. */
  readonly xrayHeader: string | undefined;
  readonly isSampledForXray: boolean;
  readonly isSampledForOtlp: boolean;
  /** What W3C headers say: OTLP's decision, or X-Ray's where there is no OTLP destination to decide for. */
  readonly isSampledForW3c: boolean;
  readonly formats: ReadonlySet<string>;
  readonly inject: OutgoingTrace['inject'];

  readonly #options: InvocationSurroundings;
  readonly #record: RecordOptions;
  readonly #trigger: Trigger;
  readonly #xray: XrayPlacement | undefined;
  readonly #server: RecordedSpan;
  readonly #invocation: RecordedSpan;
  readonly #consumer: RecordedSpan | undefined;
  /** Of the handler. */
  readonly context: Context;
  #outcome: HandlerOutcome | undefined;
  #answeredAt: Instant | undefined;
  #spans: ReadableSpan[] = [];
  /** Calls that have not ended. */
  readonly #openCalls = new Set<RecordedSpan>();
  readonly #hiddenFromXray = new Set<ReadableSpan>();
  readonly #loopDelay: LoopDelay;
  #isClosed = false;

  constructor(
    options: InvocationSurroundings,
    invocation: Invocation,
    trigger: Trigger,
    parentage: Parentage,
    record: RecordOptions,
  ) {
    this.#options = options;
    this.#record = record;
    this.#trigger = trigger;
    this.isSampledForXray = record.isSampledForXray;
    this.isSampledForOtlp = record.isSampledForOtlp;
    this.isSampledForW3c = record.isSampledForW3c;
    this.formats = options.contextRules.formats;
    this.inject = options.inject;
    const { traceState, traceFlags: callerFlags = 0 } = parentage.parent ?? {};
    const traceFlags = (record.isSampledForW3c ? SAMPLED : 0) | (callerFlags & RANDOM);
    const newContext = (): SpanContext => ({
      traceId: parentage.traceId,
      spanId: createSpanId(),
      traceFlags,
      ...(traceState && { traceState }),
    });

    const startedAt = invocation.receivedAt;
    const { consumer } = trigger;
    const isFlat = consumer !== undefined && options.messagingSpans === 'flat';
    const isNested = consumer !== undefined && !isFlat;
    const messageLinks = record.isMessageParent ? [] : linksOf(trigger, options.contextRules);
    const attributes = describeInvocation(invocation, trigger, parentage, { ...options, ...record });
    const serverContext = newContext();
    this.#server = new RecordedSpan(options, {
      name: (isFlat ? consumer.name : trigger.spanName) ?? options.functionName,
      kind: isFlat ? CONSUMER : SERVER,
      spanContext: serverContext,
      parent: parentage.parent,
      startedAt,
      attributes: isFlat ? { ...attributes, ...consumer.attributes } : attributes,
      links: isNested ? parentage.links : [...messageLinks, ...parentage.links],
    });
    const invocationContext = newContext();
    this.#invocation = new RecordedSpan(options, {
      name: 'Invocation',
      kind: INTERNAL,
      spanContext: invocationContext,
      parent: serverContext,
      startedAt,
      attributes: {},
    });
    let active = this.#invocation;
    if (isNested) {
      this.#consumer = new RecordedSpan(options, {
        name: consumer.name,
        kind: CONSUMER,
        spanContext: newContext(),
        parent: invocationContext,
        startedAt,
        attributes: consumer.attributes,
        links: messageLinks,
      });
      active = this.#consumer;
    }
    this.context = withBaggage(withSpan(ROOT_CONTEXT, active), parentage.baggage, options.parseBaggage);
    for (const span of this.#phases()) options.spanStarted?.(span, this.context);
    this.#loopDelay = options.heartbeat.watch();
    // The AWS SDK sends it on: what follows belongs below the handler, not beside it.
    this.traceContext = invocation.traceContext && {
      ...invocation.traceContext,
      traceparent: traceparentOf(active.spanContext()),
    };

    const { header } = parentage;
    this.xrayHeader = invocation.traceHeader;
    this.traceHeader = invocation.traceHeader;
    if (record.isSampledForXray && header !== undefined) {
      this.#xray = {
        traceId: header.root,
        parentId: header.parentId!,
        serverSpanId: serverContext.spanId,
        invocationSpanId: invocationContext.spanId,
      };
      // What the user's X-Ray SDK draws hangs under our Invocation, if that is certain to be drawn.
      if (options.drawsPhases) this.traceHeader = withParent(header, invocationContext.spanId);
    }
  }

  run<T>(handler: () => T): T {
    const { active, runBeside } = this.#options;
    if (runBeside === undefined) return active.runFor(this, this.context, handler);
    // Its sampler shall follow the record, which may be X-Ray's alone.
    const parent = { ...spanOf(this.context)!.spanContext(), traceFlags: SAMPLED };
    return active.runFor(this, this.context, () => runBeside(parent, handler));
  }

  /** `shiftMs`: how much the clock's origin moved since. */
  addInit(init: InitFacts, shiftMs: number): void {
    this.#spans.push(...drawInit(this.#options, init, this.#server.spanContext(), shiftMs));
  }

  /** What it means for the spans is worked out when the response is on its way. The first counts: a crash may have been told. */
  handlerSettled(outcome: HandlerOutcome): void {
    this.#outcome ??= outcome;
  }

  answered(answer: Answer): void {
    this.#answeredAt = answer.at;
    this.#options.heartbeat.stop(this.#loopDelay);
    try {
      if (this.#outcome !== undefined) this.#describeEnd(this.#outcome, answer);
    } finally {
      // What user code returned or threw may throw when it is looked at; that costs its description only.
      this.#consumer?.endAt(answer.at);
      this.#invocation.endAt(answer.at);
      this.#server.endAt(answer.at);
      this.#record.answered(this);
    }
  }

  #describeEnd(outcome: HandlerOutcome, { at, serializedAt, bodyBytes }: Answer): void {
    const { attributes } = this.#invocation;
    if (!outcome.ok || !outcome.isStreamed) {
      attributes['lambda.response.serialize_ms'] = milliseconds(serializedAt - outcome.at);
      attributes['lambda.response.post_ms'] = milliseconds(at - serializedAt);
    }
    attributes['lambda.response.size'] = bodyBytes;
    const { maxMs } = this.#loopDelay;
    if (maxMs >= LOOP_DELAY_WORTH_TELLING_MS) attributes['lambda.event_loop.delay_max_ms'] = milliseconds(maxMs);
    const trigger = this.#trigger.later?.() ?? this.#trigger;
    if (trigger !== this.#trigger) this.#describeLate(trigger);
    const spans = { server: this.#server, handler: this.#invocation, all: this.#phases() };
    describeOutcome(outcome, spans, trigger, this.#options.trigger);
  }

  /** What the event says that could not be read in time. */
  #describeLate(trigger: Trigger): void {
    const span = this.#consumer ?? this.#server;
    if (trigger.consumer === undefined) return;
    span.updateName(trigger.consumer.name);
    span.setAttributes(trigger.consumer.attributes);
    span.addLinks(linksOf(trigger, this.#options.contextRules));
  }

  /** A span that ended; when this invocation has left already, it follows in a batch of its own. */
  addSpan(span: ReadableSpan): void {
    if (this.#isClosed) this.#options.outlet.add(this.#batch([span]));
    else this.#spans.push(span);
  }

  /** Of the invocation as a whole. */
  get span(): Span {
    return this.#server;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  startCall({ name, kind, startedAt, attributes, context }: CallOptions): RecordedSpan {
    const active = spanOf(context)?.spanContext();
    const parent = isValidSpanContext(active) ? active : this.#invocation.spanContext();
    const { traceId, traceFlags, traceState } = parent;
    const span = new RecordedSpan(this.#options, {
      name,
      kind,
      spanContext: { traceId, spanId: createSpanId(), traceFlags, ...(traceState && { traceState }) },
      parent,
      startedAt,
      attributes,
    });
    this.#openCalls.add(span);
    this.#options.spanStarted?.(span, context);
    return span;
  }

  endCall(span: RecordedSpan, at: Instant): void {
    if (span.ended) return;
    this.#openCalls.delete(span);
    span.endAt(at);
    this.addSpan(span);
  }

  resumeCall(span: RecordedSpan): boolean {
    const at = this.#spans.indexOf(span);
    if (this.#isClosed || at === -1) return false;
    this.#spans.splice(at, 1);
    span.resume();
    this.#openCalls.add(span);
    return true;
  }

  dropCall(span: RecordedSpan): void {
    this.#openCalls.delete(span);
  }

  hideFromXray(span: RecordedSpan): void {
    this.#hiddenFromXray.add(span);
  }

  setRoute(route: string): void {
    const server = this.#server;
    const { 'http.request.method': method } = server.attributes;
    server.setAttribute('http.route', route);
    // Only of HTTP is the route the name.
    if (typeof method === 'string') server.updateName(`${method === '_OTHER' ? 'HTTP' : method} ${route}`);
  }

  /** Everything of this invocation that has ended; `Overhead` lasts until now. */
  close(at: Instant): SpanBatch {
    // A response that nobody reads to its end has no end of its own.
    for (const span of this.#openCalls) if ('http.response.status_code' in span.attributes) this.endCall(span, at);
    this.#isClosed = true;
    const pauses = this.#options.collections()?.within(this.#server.startedAt, this.#answeredAt ?? at);
    if (pauses !== undefined && pauses.count > 0) {
      this.#invocation.attributes['lambda.gc.count'] = pauses.count;
      this.#invocation.attributes['lambda.gc.pause_ms'] = milliseconds(pauses.totalMs);
    }
    const overhead = new RecordedSpan(this.#options, {
      name: 'Overhead',
      kind: INTERNAL,
      spanContext: { ...this.#server.spanContext(), spanId: createSpanId() },
      parent: this.#server.spanContext(),
      startedAt: this.#answeredAt ?? at,
      attributes: {},
    });
    overhead.endAt(at);
    const spans = [...this.#phases(), ...this.#spans, overhead];
    this.#spans = [];
    return this.#batch(spans);
  }

  #phases(): RecordedSpan[] {
    return [this.#server, this.#invocation, ...(this.#consumer === undefined ? [] : [this.#consumer])];
  }

  #batch(spans: readonly ReadableSpan[]): SpanBatch {
    const hiddenFromXray = this.#hiddenFromXray.size === 0 ? undefined : this.#hiddenFromXray;
    return {
      spans,
      xray: this.#xray,
      isSampledForOtlp: this.isSampledForOtlp,
      ...(hiddenFromXray && { hiddenFromXray }),
    };
  }
}

const milliseconds = (ms: number): number => Math.round(Math.max(0, ms) * 1e3) / 1e3;
