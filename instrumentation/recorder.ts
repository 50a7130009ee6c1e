// Turns the facts of the runtime into spans: SERVER around Initialization, Invocation and Overhead. Nothing here knows how
// spans leave the process, and nothing is done before the response that can wait until after it.

import type { Attributes, Context, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type {
  Answer,
  FlushReason,
  HandlerOutcome,
  InitFacts,
  Instant,
  Invocation,
  InvocationObservation,
  InvocationObserver,
} from '../runtime/lifecycle.ts';
import { type ActiveContext, ROOT_CONTEXT, withSpan } from './active-context.ts';
import type { SpanBatch, XrayPlacement } from './export/exporter.ts';
import { createSpanId } from './ids.ts';
import { InertSpan } from './inert-span.ts';
import { chooseParent, type Parentage, type XrayParentRule } from './parent.ts';
import { RecordedSpan, type RecordingScope } from './recorded-span.ts';
import type { Sampler } from './sampler.ts';
import { withParent } from './trace-header.ts';
import { recogniseTrigger } from './triggers/recognition.ts';
import { describeResult } from './triggers/result.ts';
import type { Trigger, TriggerOptions } from './triggers/trigger.ts';

const INTERNAL = 0;
const SERVER = 1;
const CONSUMER = 4;
const ERROR = 2;
const SAMPLED = 1;

/** An init this long before its first invocation was paid by nobody who waits: drawing it would stretch the trace. */
const INIT_BELONGS_MS = 10_000;

/** Takes what is ready to leave. */
export interface SpanOutlet {
  add(batch: SpanBatch): void;
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
}

export type RecorderOptions = RecordingScope & {
  readonly active: ActiveContext<InvocationRecord>;
  readonly outlet: SpanOutlet;
  readonly functionName: string;
  readonly functionVersion: string;
  /** X-Ray documents are wanted and there is a daemon to take them. */
  readonly hasXray: boolean;
  /** Own phases stand in the trace, so that user segments hang under our Invocation. */
  readonly drawsPhases: boolean;
  readonly hasOtlp: boolean;
  readonly sampler: Sampler;
  readonly xrayParentRule: XrayParentRule;
  readonly isColdStart: boolean;
  /** Several invocations run at once: a span that nobody can place belongs to none of them. */
  readonly isConcurrent: boolean;
  readonly trigger: TriggerOptions;
};

export class Recorder implements InvocationObserver {
  readonly #options: RecorderOptions;
  /** Held until the first recorded invocation takes it. */
  #init: InitFacts | undefined;
  #isFirst = true;
  #latest: InvocationRecord | undefined;
  readonly #answered: InvocationRecord[] = [];

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  initEnded(facts: InitFacts): void {
    this.#init = facts;
  }

  begin(invocation: Invocation, event: unknown): InvocationObservation {
    const { clock, hasXray, hasOtlp, sampler, xrayParentRule, trigger: triggerOptions } = this.#options;
    clock.anchor();
    const trigger = recogniseTrigger(event, triggerOptions, {
      clientContextJson: invocation.clientContextJson,
      eventBytes: invocation.eventBytes,
      receivedEpochMs: clock.epochMs(invocation.receivedAt),
    });
    const parentage = chooseParent(invocation.traceHeader, trigger.carrier, xrayParentRule);
    const { header } = parentage;
    const isSampledForXray = hasXray && header?.sampled === true && header.parentId !== undefined;
    const isSampledForOtlp = hasOtlp && sampler.isSampled(parentage.traceId, parentage.parent);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (!isSampledForXray && !isSampledForOtlp) {
      this.#latest = undefined;
      return new UnrecordedInvocation(this.#options.active, invocation.traceHeader, parentage);
    }
    const record = new InvocationRecord(this.#options, invocation, trigger, parentage, {
      isFirst,
      isSampledForOtlp,
      isSampledForXray,
      answered: (answered) => this.#answered.push(answered),
    });
    const init = this.#init;
    this.#init = undefined;
    if (init !== undefined && invocation.receivedAt - init.endedAt <= INIT_BELONGS_MS) record.addInit(init);
    if (!this.#options.isConcurrent) this.#latest = record;
    return record;
  }

  /** The invocation that a span belongs to; one started where nobody knows belongs to the latest, if they run one by one. */
  ownerOf(span: ReadableSpan | undefined): InvocationRecord | undefined {
    return (span && spanOwners.get(span)) ?? this.#options.active.owner() ?? this.#latest;
  }

  /** A span of the user's or of an instrumentation started. */
  spanStarted(span: ReadableSpan): void {
    const owner = this.ownerOf(undefined);
    if (owner !== undefined) spanOwners.set(span, owner);
  }

  spanEnded(span: ReadableSpan): void {
    this.ownerOf(span)?.addSpan(span);
  }

  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    const at = this.#options.clock.now();
    for (const record of this.#answered) this.#options.outlet.add(record.close(at));
    this.#answered.length = 0;
    await this.#options.outlet.flush(reason, deadlineEpochMs);
  }
}

const spanOwners = new WeakMap<ReadableSpan, InvocationRecord>();

type RecordOptions = {
  readonly isFirst: boolean;
  readonly isSampledForOtlp: boolean;
  readonly isSampledForXray: boolean;
  answered(record: InvocationRecord): void;
};

/** One invocation that is recorded. */
export class InvocationRecord implements InvocationObservation {
  readonly traceHeader: string | undefined;
  /** The X-Ray header outgoing calls continue, verbatim but for `Parent`. */
  readonly xrayHeader: string | undefined;
  readonly isSampledForXray: boolean;
  readonly isSampledForOtlp: boolean;

  readonly #options: RecorderOptions;
  readonly #record: RecordOptions;
  readonly #trigger: Trigger;
  readonly #xray: XrayPlacement | undefined;
  readonly #server: RecordedSpan;
  readonly #invocation: RecordedSpan;
  readonly #consumer: RecordedSpan | undefined;
  readonly #context: Context;
  #outcome: HandlerOutcome | undefined;
  #answeredAt: Instant | undefined;
  #spans: ReadableSpan[] = [];
  #isClosed = false;

  constructor(
    options: RecorderOptions,
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
    const traceFlags = record.isSampledForOtlp ? SAMPLED : 0;
    const newContext = (): SpanContext => ({ traceId: parentage.traceId, spanId: createSpanId(), traceFlags });

    const startedAt = invocation.receivedAt;
    const serverContext = newContext();
    this.#server = new RecordedSpan(options, {
      name: trigger.spanName ?? options.functionName,
      kind: SERVER,
      spanContext: serverContext,
      parent: parentage.parent,
      startedAt,
      attributes: this.#describe(invocation, trigger, parentage),
      links: parentage.links,
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
    if (trigger.consumer !== undefined) {
      this.#consumer = new RecordedSpan(options, {
        name: trigger.consumer.name,
        kind: CONSUMER,
        spanContext: newContext(),
        parent: invocationContext,
        startedAt,
        attributes: trigger.consumer.attributes,
        links: linksOf(trigger),
      });
      active = this.#consumer;
    }
    this.#context = withSpan(ROOT_CONTEXT, active);

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
    return this.#options.active.runFor(this, this.#context, handler);
  }

  addInit(init: InitFacts): void {
    const { traceId, traceFlags } = this.#server.spanContext();
    const draw = (name: string, startedAt: Instant, endedAt: Instant, parent: SpanContext): SpanContext => {
      const spanContext = { traceId, spanId: createSpanId(), traceFlags };
      const span = new RecordedSpan(this.#options, {
        name,
        kind: INTERNAL,
        spanContext,
        parent,
        startedAt,
        attributes: {},
      });
      span.endAt(endedAt);
      this.#spans.push(span);
      return spanContext;
    };
    const phase = draw('Initialization', init.startedAt, init.endedAt, this.#server.spanContext());
    for (const step of init.steps) draw(step.name, step.startedAt, step.endedAt, phase);
  }

  /** What it means for the spans is worked out when the response is on its way. The first counts: a crash may have been told. */
  handlerSettled(outcome: HandlerOutcome): void {
    this.#outcome ??= outcome;
  }

  answered(answer: Answer): void {
    this.#answeredAt = answer.at;
    try {
      if (this.#outcome !== undefined) this.#describeOutcome(this.#outcome);
    } finally {
      // What user code returned or threw may throw when it is looked at; that costs its description only.
      this.#consumer?.endAt(answer.at);
      this.#invocation.endAt(answer.at);
      this.#server.endAt(answer.at);
      this.#record.answered(this);
    }
  }

  #describeOutcome(outcome: HandlerOutcome): void {
    const server = this.#server;
    if (outcome.ok) {
      const { trigger: options } = this.#options;
      const { attributes, errorType } = describeResult(this.#trigger, outcome.result, options, outcome.isStreamed);
      server.setAttributes(attributes);
      if (errorType !== undefined) {
        server.setAttribute('error.type', errorType);
        server.setStatus({ code: ERROR });
      }
      return;
    }
    const { error, errorType } = outcome;
    const message = messageOf(error);
    for (const span of [server, this.#invocation, this.#consumer]) {
      span?.setStatus({ code: ERROR, message });
      span?.setAttribute('error.type', errorType);
    }
    // Once, where it happened; X-Ray and OpenTelemetry both read it from there.
    this.#invocation.recordException(isObject(error) ? (error as Error) : String(error));
  }

  /** A span that ended; when this invocation has left already, it follows in a batch of its own. */
  addSpan(span: ReadableSpan): void {
    if (this.#isClosed) this.#options.outlet.add(this.#batch([span]));
    else this.#spans.push(span);
  }

  /** Everything of this invocation that has ended; `Overhead` lasts until now. */
  close(at: Instant): SpanBatch {
    this.#isClosed = true;
    const { traceId, traceFlags } = this.#server.spanContext();
    const overhead = new RecordedSpan(this.#options, {
      name: 'Overhead',
      kind: INTERNAL,
      spanContext: { traceId, spanId: createSpanId(), traceFlags },
      parent: this.#server.spanContext(),
      startedAt: this.#answeredAt ?? at,
      attributes: {},
    });
    overhead.endAt(at);
    const phases = this.#consumer === undefined ? [this.#invocation] : [this.#invocation, this.#consumer];
    const spans = [this.#server, ...phases, ...this.#spans, overhead];
    this.#spans = [];
    return this.#batch(spans);
  }

  #batch(spans: readonly ReadableSpan[]): SpanBatch {
    return { spans, xray: this.#xray, isSampledForOtlp: this.isSampledForOtlp };
  }

  #describe(invocation: Invocation, trigger: Trigger, parentage: Parentage): Attributes {
    const { invokedFunctionArn, requestId, tenantId } = invocation;
    const arn = invokedFunctionArn.split(':');
    const attributes: Attributes = {
      'faas.invocation_id': requestId,
      'faas.trigger': trigger.faasTrigger,
      'faas.coldstart': this.#record.isFirst && this.#options.isColdStart,
      ...trigger.attributes,
    };
    if (arn.length >= 7) {
      // An alias is replaced by the version it stood for: `arn:aws:lambda:region:account:function:name[:qualifier]`.
      const isQualified = arn.length > 7;
      const version = this.#options.functionVersion;
      const resource = isQualified ? [...arn.slice(0, 7), version] : arn;
      attributes['cloud.resource_id'] = resource.join(':');
      attributes['aws.lambda.invoked_arn'] = invokedFunctionArn;
      attributes['cloud.account.id'] = arn[4]!;
    }
    if (tenantId) attributes['aws.lambda.tenant_id'] = tenantId;
    const { header } = parentage;
    if (parentage.parent === undefined && header?.parentId !== undefined) {
      attributes['aws.xray.parent_id'] = header.parentId;
    }
    return attributes;
  }
}

/** One invocation that nobody wants recorded: its ids still travel on with outgoing calls. */
class UnrecordedInvocation implements InvocationObservation {
  readonly traceHeader: string | undefined;
  readonly #active: ActiveContext<InvocationRecord>;
  readonly #context: Context;

  constructor(active: ActiveContext<InvocationRecord>, traceHeader: string | undefined, parentage: Parentage) {
    this.traceHeader = traceHeader;
    this.#active = active;
    const { traceId, parent, header } = parentage;
    const spanId = parent?.spanId ?? header?.parentId;
    this.#context =
      spanId === undefined
        ? ROOT_CONTEXT
        : withSpan(ROOT_CONTEXT, new InertSpan({ traceId, spanId, traceFlags: 0, isRemote: true }));
  }

  run<T>(handler: () => T): T {
    return this.#active.with(this.#context, handler as () => ReturnType<() => T>) as T;
  }

  handlerSettled(): void {}

  answered(): void {}
}

function linksOf(trigger: Trigger): { context: SpanContext; attributes: Attributes }[] {
  const links: { context: SpanContext; attributes: Attributes }[] = [];
  for (const { carrier, attributes } of trigger.linkCarriers) {
    const { traceId, parent } = chooseParent(undefined, carrier, 'keep');
    if (parent !== undefined) links.push({ context: { ...parent, traceId }, attributes });
  }
  return links;
}

function messageOf(error: unknown): string {
  try {
    return isObject(error) && 'message' in error ? String(error.message) : String(error);
  } catch {
    return 'an error whose message cannot be read';
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
