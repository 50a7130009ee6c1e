// A recorder with a list for an outlet, driven with facts by hand; and events whose triggers name and link spans.

import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ActiveContext } from '../../instrumentation/active-context.ts';
import type { ArrivedInvocation } from '../../instrumentation/arrived-invocation.ts';
import { Clock } from '../../instrumentation/clock.ts';
import type { AbruptEnd, Delivery, LateDelivery, PresentInvocations } from '../../instrumentation/export/delivery.ts';
import type { SpanBatch } from '../../instrumentation/export/exporter.ts';
import { Heartbeat } from '../../instrumentation/heartbeat.ts';
import { closeInvocation, type EndingScope, takeEnded } from '../../instrumentation/invocation-end.ts';
import type { InvocationRecord } from '../../instrumentation/invocation-record.ts';
import type { ContextRules } from '../../instrumentation/parent.ts';
import { Recorder, type RecorderOptions } from '../../instrumentation/recorder.ts';
import { Recording, type RecordingOptions } from '../../instrumentation/recording.ts';
import { createSampler } from '../../instrumentation/sampler.ts';
import { newSpanCounts } from '../../instrumentation/span-counts.ts';
import { recogniseTrigger } from '../../instrumentation/triggers/recognition.ts';
import { defaultTriggerOptions } from '../../instrumentation/triggers/trigger.ts';
import { Handful } from '../../runtime/handful.ts';
import type { FlushReason, HandlerOutcome, InitFacts, Invocation } from '../../runtime/lifecycle.ts';
import { ordersResource } from './orders-resource.ts';

export const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
export const TRACE_ID = '65f1a2b30123456789abcdef01234567';
export const PARENT = '53995c3f42cd8ad8';
export const SAMPLED = `Root=${ROOT};Parent=${PARENT};Sampled=1;Lineage=1:a87bd80c:0`;
export const UNSAMPLED = `Root=${ROOT};Parent=${PARENT};Sampled=0`;
export const OTHER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
export const W3C_PARENT = '00f067aa0ba902b7';
export const TRACEPARENT = `00-${OTHER_TRACE}-${W3C_PARENT}-01`;

/** What holds when nothing is set. */
export const defaultRules: ContextRules = {
  formats: new Set(['tracecontext', 'baggage', 'xray']),
  xrayParent: 'root',
  readForeign: undefined,
};

/** A delivery that keeps what leaves, and writes down what it is told. */
export class RecordedDelivery implements Delivery {
  readonly batches: SpanBatch[] = [];
  readonly told: string[] = [];
  readonly faults: unknown[] = [];
  batchSpans = 1000;
  lookAgainMs = 1000;
  readonly #scope: EndingScope;
  readonly #invocations: PresentInvocations;

  constructor(scope: Omit<EndingScope, 'describeTracer' | 'fault' | 'initOwnMs'>, invocations: PresentInvocations) {
    this.#scope = {
      ...scope,
      describeTracer: () => {},
      fault: (error) => this.faults.push(error),
      initOwnMs: () => 1,
    };
    this.#invocations = invocations;
  }

  get state(): never {
    return assert.fail('nobody asks for a report here');
  }

  openAhead(): void {}

  begin(): void {
    this.told.push('begin');
  }

  handOver(record: InvocationRecord): void {
    this.batches.push(takeEnded(record));
  }

  hold({ invocation: { requestId } }: InvocationRecord): undefined {
    this.told.push(`hold ${requestId}`);
  }

  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    this.told.push(`flush ${reason} ${deadlineEpochMs}`);
    const at = this.#scope.clock.now();
    for (const record of this.#invocations.answered.splice(0)) {
      this.batches.push(closeInvocation(record, this.#scope, at, 0));
    }
  }

  watch(): number {
    this.told.push('watch');
    return this.lookAgainMs;
  }

  initFailed(): void {}

  takeOver(): void {
    this.told.push('take over');
  }

  exit({ how }: AbruptEnd): void {
    this.told.push(`exit ${how}`);
  }
}

export class RecordingStand {
  readonly clock: Clock;
  readonly delivery: RecordedDelivery;
  readonly scope: Omit<EndingScope, 'describeTracer' | 'fault' | 'initOwnMs'>;
  readonly batches: SpanBatch[];
  readonly invocations: PresentInvocations = { flying: new Handful(), answered: [] };
  readonly active = new ActiveContext<ArrivedInvocation>(() => assert.fail('no emitter is bound here'));
  readonly recorder: Recorder;
  /** All facts are so long after this instant. */
  readonly start: number;
  readonly resource = ordersResource();

  constructor(options: Partial<RecorderOptions & RecordingOptions> = {}) {
    this.clock = options.clock ?? new Clock();
    this.start = this.clock.now();
    this.scope = {
      clock: this.clock,
      resource: this.resource,
      instrumentationScope: { name: 'spanstrap', version: '0' },
      trigger: options.trigger ?? defaultTriggerOptions,
      contextRules: options.contextRules ?? defaultRules,
      collections: (isToBegin?: boolean) => options.collections?.(isToBegin),
    };
    const delivery = new RecordedDelivery(this.scope, this.invocations);
    this.delivery = delivery;
    this.batches = delivery.batches;
    const late: LateDelivery = { loaded: delivery, load: () => delivery };
    const common = {
      clock: this.clock,
      counts: newSpanCounts(),
      isOff: () => false,
      attempt: (work: () => void) => work(),
      functionName: 'orders',
      hasXray: true,
      drawsPhases: true,
      hasOtlp: true,
      sampler: createSampler('always_on', 1),
      dropsWarmUps: false,
    };
    this.recorder = new Recorder({
      ...common,
      collections: this.scope.collections,
      active: this.active,
      delivery: late,
      invocations: this.invocations,
      flight: undefined,
      holdsResponse: false,
      keepsErrors: options.keep?.errors === true,
      xrayParent: 'root',
      isConcurrent: false,
      heartbeat: new Heartbeat({ now: () => this.clock.now() }),
      fault: (error) => assert.fail(error as Error),
      attempt: (work) => work(),
      openRecording: (changes) =>
        new Recording({
          ...this.scope,
          ...common,
          functionVersion: '7',
          isColdStart: true,
          recognise: recogniseTrigger,
          messagingSpans: 'nested',
          messagingContext: 'link',
          hasForeignTracer: () => false,
          parseBaggage: () => assert.fail('nobody asks what is in the baggage'),
          ...options,
          ...changes,
        }),
      ...options,
    });
  }

  /** The event does not change while the handler runs. */
  begin(invocation: Invocation, event: unknown): ArrivedInvocation {
    return this.recorder.begin(invocation, event, () => event);
  }

  init(changes: Partial<InitFacts> = {}): void {
    this.recorder.initEnded({
      startedAt: this.start - 200,
      endedAt: this.start - 10,
      steps: [
        { name: 'node boot', startedAt: this.start - 200, endedAt: this.start - 150 },
        { name: 'handler load', startedAt: this.start - 150, endedAt: this.start - 20 },
      ],
      ...changes,
    });
  }

  invocation(changes: Partial<Invocation> = {}): Invocation {
    return {
      requestId: 'r-1',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders',
      deadlineEpochMs: 5,
      traceHeader: SAMPLED,
      tenantId: undefined,
      clientContextJson: undefined,
      cognitoIdentityJson: undefined,
      invocationId: undefined,
      receivedAt: this.start,
      eventBytes: 2,
      ...changes,
    };
  }

  /** Begins, runs the handler, settles and answers; leaves what follows to the test. */
  invoke({
    event = {},
    outcome,
    handler = () => {},
    ...changes
  }: Partial<Invocation> & {
    event?: unknown;
    outcome?: Partial<HandlerOutcome>;
    handler?: () => void;
  } = {}): ArrivedInvocation {
    const observation = this.begin(this.invocation(changes), event);
    const { receivedAt = this.start } = changes;
    observation.run(handler);
    const settled = { ok: true, at: receivedAt + 40, result: null, isStreamed: false, ...outcome };
    observation.handlerSettled(settled as HandlerOutcome);
    observation.answered({ at: receivedAt + 50, bodyBytes: 4, status: 202, serializedAt: receivedAt + 45 });
    return observation;
  }

  /** The spans of the one batch that is there after a flush. */
  async flush(): Promise<readonly ReadableSpan[]> {
    await this.recorder.flush('invocation', 5);
    assert.equal(this.batches.length, 1);
    return this.batches.splice(0)[0]!.spans;
  }
}

/** The one span of that name. */
export const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `${found.length} spans are called ${name}`);
  return found[0]!;
};
export const idOf = (span: ReadableSpan): string => span.spanContext().spanId;
/** Name, kind and the parent's name of every span. */
export const shape = (spans: readonly ReadableSpan[]): unknown[] => {
  const names = new Map(spans.map((span) => [idOf(span), span.name]));
  return spans.map(({ name, kind, parentSpanContext }) => [
    name,
    kind,
    parentSpanContext && (names.get(parentSpanContext.spanId) ?? 'outside'),
  ]);
};

/** An API Gateway HTTP API event, payload 2.0. */
export function httpEvent(headers: Readonly<Record<string, string>> = {}): unknown {
  return {
    version: '2.0',
    routeKey: 'GET /orders/{id}',
    rawPath: '/orders/5',
    rawQueryString: '',
    headers: { host: 'api.example.com', 'x-forwarded-proto': 'https', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'abc',
      domainName: 'api.example.com',
      http: { method: 'GET', path: '/orders/5', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'curl' },
      requestId: 'x',
      routeKey: 'GET /orders/{id}',
      stage: '$default',
      timeEpoch: 1_700_000_000_000,
    },
    isBase64Encoded: false,
  };
}

export const sqsRecord = (messageId: string, traceparent?: string): unknown => ({
  messageId,
  receiptHandle: 'h',
  body: '{}',
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1700000000000', SenderId: 'x' },
  messageAttributes: traceparent === undefined ? {} : { traceparent: { stringValue: traceparent, dataType: 'String' } },
  md5OfBody: 'x',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:order-queue',
  awsRegion: 'eu-west-1',
});
