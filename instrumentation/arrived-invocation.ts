// An invocation as it arrived: facts, and the ids that its own spans will have. What its event is, where it belongs in its trace and
// whether it is recorded is worked out when somebody asks: an outgoing call, a log line with ids, a span of the user's. If nobody
// does, after the response.

import type { Context, SpanContext } from '@opentelemetry/api';
import type { Answer, HandlerOutcome, Invocation, InvocationObservation, TraceContext } from '../runtime/lifecycle.ts';
import { type ActiveContext, ROOT_CONTEXT, spanOf } from './active-context.ts';
import type { Heartbeat, LoopDelay } from './heartbeat.ts';
import { createSpanId } from './ids.ts';
import type { CallScope, UnrecordedScope } from './outgoing/call-scope.ts';
import { type TraceHeader, withParent } from './trace-header.ts';

/** What an invocation turned out to be. */
export type InvocationScope = (CallScope | UnrecordedScope) & ScopeFacts;

export interface ScopeFacts {
  /** Of the handler. */
  readonly context: Context;
  readonly traceHeader: string | undefined;
  readonly traceContext?: TraceContext | undefined;
}

/** What is done for an invocation, and is not its own business. */
export type ArrivalSurroundings = {
  readonly active: ActiveContext<ArrivedInvocation>;
  readonly heartbeat: Heartbeat;
  /** Own phases stand in the trace, so that user segments hang under our Invocation. */
  readonly drawsPhases: boolean;
  /** Finds out what it is; called once. */
  decide(arrived: ArrivedInvocation): InvocationScope;
  /** It could not be found out. */
  fault(error: unknown): void;
  /** The answer is ready, and waits for what is returned; absent: answers never wait. */
  hold?(arrived: ArrivedInvocation): Promise<void> | undefined;
  answered(arrived: ArrivedInvocation): void;
  /** Runs the handler where another tracer of the user's finds its parent as well; absent: there is none. */
  runBeside?<T>(parent: () => SpanContext | undefined, handler: () => T): T;
};

export type ArrivalFacts = {
  /** Lambda's header, when it could be read. */
  readonly header: TraceHeader | undefined;
  /** As far as the header says: it may be an event that nobody wants recorded. */
  readonly isSampledForXray: boolean;
  /** As far as the header says: a context in the event may say something else. */
  readonly isSampledForOtlp: boolean;
  readonly isFirst: boolean;
  /** How long the process had been frozen before, milliseconds. */
  readonly frozenMs: number;
};

const SAMPLED = 1;

export class ArrivedInvocation implements InvocationObservation {
  readonly invocation: Invocation;
  readonly facts: ArrivalFacts;
  /** Of its own spans, should it have any. */
  readonly serverSpanId = createSpanId();
  readonly invocationSpanId = createSpanId();
  readonly loopDelay: LoopDelay;
  outcome: HandlerOutcome | undefined;
  answer: Answer | undefined;
  /** What a router in the function has matched. */
  route: string | undefined;
  /** Time that the tracer itself has taken of it, milliseconds. */
  ownMs = 0;
  readonly #surroundings: ArrivalSurroundings;
  readonly #traceHeader: string | undefined;
  #readEvent: (() => unknown) | undefined;
  #scope: InvocationScope | undefined;
  #isDeciding = false;

  /** `readEvent` gives the event as it came, whatever the handler has done to the one that it got. */
  constructor(
    surroundings: ArrivalSurroundings,
    invocation: Invocation,
    facts: ArrivalFacts,
    readEvent: () => unknown,
  ) {
    this.#surroundings = surroundings;
    this.invocation = invocation;
    this.facts = facts;
    this.#readEvent = readEvent;
    this.loopDelay = surroundings.heartbeat.watch();
    const { header, isSampledForXray } = facts;
    // What the user's X-Ray SDK draws hangs under our Invocation, if that is certain to be drawn.
    this.#traceHeader =
      isSampledForXray && header !== undefined && surroundings.drawsPhases
        ? withParent(header, this.invocationSpanId)
        : invocation.traceHeader;
  }

  /** What it is; worked out at the first question. Never throws. */
  get scope(): InvocationScope {
    if (this.#scope !== undefined) return this.#scope;
    // User code has a say in it (samplers, span processors, extractors), and may ask where it is.
    if (this.#isDeciding) return this.#unknown();
    this.#isDeciding = true;
    try {
      this.#scope = this.#surroundings.decide(this);
    } catch (error) {
      this.#scope = this.#unknown();
      this.#surroundings.fault(error);
    }
    return this.#scope;
  }

  /** What it is, when that is known. */
  get decided(): InvocationScope | undefined {
    return this.#scope;
  }

  decide(): void {
    void this.scope;
  }

  /** Once: it may be large. */
  takeEvent(): unknown {
    const event = this.#readEvent?.();
    this.#readEvent = undefined;
    return event;
  }

  forgetEvent(): void {
    this.#readEvent = undefined;
  }

  get context(): Context {
    return this.scope.context;
  }

  get traceHeader(): string | undefined {
    return this.#scope === undefined ? this.#traceHeader : this.#scope.traceHeader;
  }

  get traceContext(): TraceContext | undefined {
    return this.invocation.traceContext && this.scope.traceContext;
  }

  run<T>(handler: () => T): T {
    const { active, runBeside } = this.#surroundings;
    if (runBeside === undefined) return active.runFor(this, handler);
    return active.runFor(this, () => runBeside(() => this.#parentElsewhere(), handler));
  }

  /** What it means for the spans is worked out when the response is out. The first counts: a crash may have been told. */
  handlerSettled(outcome: HandlerOutcome): void {
    this.outcome ??= outcome;
  }

  beforeAnswer(): Promise<void> | undefined {
    return this.#surroundings.hold?.(this);
  }

  answered(answer: Answer): void {
    this.answer ??= answer;
    this.#surroundings.heartbeat.stop(this.loopDelay);
    this.#surroundings.answered(this);
  }

  /** For a tracer of the user's own, whose sampler shall follow the record, which may be X-Ray's alone. */
  #parentElsewhere(): SpanContext | undefined {
    const { scope } = this;
    const parent = spanOf(scope.context)?.spanContext();
    // One that waits for its end is recorded as well, and nobody wants it yet.
    if (parent === undefined || (!scope.isSampledForXray && (parent.traceFlags & SAMPLED) === 0)) return undefined;
    return { ...parent, traceFlags: SAMPLED };
  }

  #unknown(): InvocationScope {
    const { traceHeader } = this.invocation;
    return {
      isRecorded: false,
      context: ROOT_CONTEXT,
      traceHeader,
      xrayHeader: traceHeader,
      isSampledForXray: false,
      formats: new Set(),
    };
  }
}
