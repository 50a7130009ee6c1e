// The tracer put together, with exporters that keep what they are given.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { trace } from '@opentelemetry/api';
import { parseBaggage } from '../../instrumentation/baggage.ts';
import { Destination } from '../../instrumentation/export/destination.ts';
import type { SpanBatch } from '../../instrumentation/export/exporter.ts';
import { SpanDelivery } from '../../instrumentation/export/span-delivery.ts';
import { GarbageCollections } from '../../instrumentation/garbage-collections.ts';
import { createSdk } from '../../instrumentation/opentelemetry/sdk.ts';
import { Recording } from '../../instrumentation/recording.ts';
import { createSampler } from '../../instrumentation/sampler.ts';
import { SpanAccount } from '../../instrumentation/span-account.ts';
import { installTracing, type TracingOptions } from '../../instrumentation/tracing.ts';
import { recogniseTrigger } from '../../instrumentation/triggers/recognition.ts';
import { defaultTriggerOptions } from '../../instrumentation/triggers/trigger.ts';
import type { Invocation } from '../../runtime/lifecycle.ts';
import { ordersResource } from './orders-resource.ts';
import { defaultRules } from './recording-stand.ts';

const TRACE_ID = '65f1a2b30123456789abcdef01234567';
const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

type Opened = { readonly name: string; readonly batches: SpanBatch[] };

function optionsFor(changes: Partial<TracingOptions> = {}): {
  options: TracingOptions;
  opened: Opened[];
  reports: string[];
} {
  const opened: Opened[] = [];
  const reports: string[] = [];
  const destination = (account: SpanAccount, name: string, accepts: (batch: SpanBatch) => boolean): Destination =>
    new Destination({
      name,
      account,
      accepts,
      open: () => {
        const batches: SpanBatch[] = [];
        opened.push({ name, batches });
        return {
          name,
          export: async (sent) => {
            batches.push(...sent);
            return { sentSpans: 0, droppedSpans: 0 };
          },
        };
      },
      maxQueuedSpans: 100,
      maxQueuedBytes: 1e9,
      report: (message) => reports.push(message),
    });
  const options: TracingOptions = {
    openRecording: (surroundings) =>
      new Recording({
        ...surroundings,
        recognise: recogniseTrigger,
        trigger: defaultTriggerOptions,
        contextRules: defaultRules,
        messagingSpans: 'nested',
        messagingContext: 'link',
        parseBaggage: (text) => parseBaggage(text, () => surroundings.loadPropagator()),
        resource: ordersResource(),
      }),
    openDelivery: (surroundings) =>
      new SpanDelivery({
        ...surroundings,
        accounts: [],
        outlet: {
          destinations: [
            destination(new SpanAccount('xray'), 'X-Ray', ({ xray }) => xray !== undefined),
            destination(new SpanAccount('otlp'), 'OTLP', ({ isSampledForOtlp }) => isSampledForOtlp),
          ],
          mode: 'async',
          intervalMs: 2000,
          batchSpans: 20,
          batchJitter: 5,
          maxFlushMs: 1000,
        },
        deadlineMarginMs: undefined,
        undecided: undefined,
        watchdog: undefined,
        report: (message) => reports.push(message),
      }),
    routers: {
      isEnabled: () => false,
      createRouterHooks: () => assert.fail('no framework is loaded here'),
    },
    holdsResponse: false,
    flightPath: undefined,
    createSdk,
    applyHooks: undefined,
    findApiVersion: () => undefined,
    createCodeApi: () => assert.fail('the code API is not called here'),
    calls: {
      loadPropagation: () => assert.fail('no call is made here'),
      createOutgoingTracer: () => assert.fail('no call is made here'),
      createClientModules: () => assert.fail('no database client is loaded here'),
      createDatabaseInstrumentations: () => assert.fail('no database is called here'),
      isEnabled: () => false,
      injectionTargets: [],
      ownAddress: '127.0.0.1:9001',
    },
    functionName: 'orders',
    functionVersion: '7',
    distroVersion: '0',
    xrayMode: 'phases',
    hasOpenTelemetry: true,
    sampler: createSampler('always_on', 1),
    keepsErrors: false,
    xrayParent: 'root',
    dropsWarmUps: false,
    observeCollections: () => new GarbageCollections(),
    isColdStart: true,
    isConcurrent: false,
    loadsEagerly: false,
    loadModule: createRequire(import.meta.url),
    report: (message) => reports.push(message),
    ...changes,
  };
  return { options, opened, reports };
}

const invocation: Invocation = {
  requestId: 'r-1',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders',
  deadlineEpochMs: 0,
  traceHeader: HEADER,
  tenantId: undefined,
  clientContextJson: undefined,
  cognitoIdentityJson: undefined,
  invocationId: undefined,
  receivedAt: performance.now(),
  eventBytes: 2,
};

test('an invocation with a span of the user’s goes to both destinations, whole and as one trace', async () => {
  const { options, opened, reports } = optionsFor();
  const { observer, activeTrace } = installTracing(options);
  assert.equal(activeTrace(), undefined);
  const observation = observer.begin(invocation, {}, () => ({}));
  const userIds = await observation.run(async () => {
    const { traceId, spanId } = activeTrace()!;
    assert.equal(traceId, TRACE_ID);
    assert.ok(observation.traceHeader?.includes(`Parent=${spanId}`));
    await new Promise((resolve) => setImmediate(resolve));
    return trace.getTracer('user').startActiveSpan('reserve', (span) => {
      assert.equal(activeTrace()?.spanId, span.spanContext().spanId);
      span.end();
      return { parent: spanId, own: span.spanContext().spanId };
    });
  });
  observation.handlerSettled({ ok: true, at: performance.now(), result: null, isStreamed: false });
  observation.answered({ at: performance.now(), bodyBytes: 4, status: 202, serializedAt: performance.now() });
  assert.equal(opened.length, 0, 'nothing is loaded before the response is out');
  await observer.flush('invocation', Date.now() + 10_000);

  assert.deepEqual(
    opened.map(({ name }) => name),
    ['X-Ray', 'OTLP'],
  );
  for (const { batches } of opened) {
    assert.equal(batches.length, 1);
    const spans = batches[0]!.spans;
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['orders', 'Invocation', 'reserve', 'Overhead'],
    );
    const reserve = spans[2]!;
    assert.equal(reserve.spanContext().spanId, userIds.own);
    assert.equal(reserve.parentSpanContext?.spanId, userIds.parent);
    assert.equal(reserve.resource, spans[0]!.resource);
  }
  assert.deepEqual(reports, []);
});

test('with another OpenTelemetry setup before it, the phases are still traced', async () => {
  const { options, opened, reports } = optionsFor({ xrayMode: undefined });
  const { observer } = installTracing(options);
  assert.deepEqual(reports, []);
  const observation = observer.begin(invocation, {}, () => ({}));
  observation.answered({ at: performance.now(), bodyBytes: 4, status: 202, serializedAt: performance.now() });
  await observer.flush('invocation', Date.now() + 10_000);
  assert.deepEqual(
    opened.map(({ name, batches }) => [name, batches[0]?.spans.length]),
    [['OTLP', 3]],
  );
});

test('each destination gets what it is to have', async () => {
  for (const [traceHeader, changes, expected] of [
    [HEADER, { hasOpenTelemetry: false }, ['X-Ray']],
    [HEADER, { xrayMode: undefined }, ['OTLP']],
    [HEADER.replace('Sampled=1', 'Sampled=0'), {}, ['OTLP']],
    [HEADER.replace('Sampled=1', 'Sampled=0'), { hasOpenTelemetry: false }, []],
  ] as const) {
    const { options, opened } = optionsFor(changes);
    const { observer } = installTracing(options);
    const observation = observer.begin({ ...invocation, traceHeader }, {}, () => ({}));
    observation.answered({ at: performance.now(), bodyBytes: 4, status: 202, serializedAt: performance.now() });
    await observer.flush('invocation', Date.now() + 10_000);
    assert.deepEqual(
      opened.map(({ name }) => name),
      expected,
    );
  }
});

test('X-Ray SDKs nest under our Invocation only where we draw one', () => {
  for (const [mode, isDrawn] of [
    ['phases', true],
    ['prefixed', true],
    ['attach', false],
  ] as const) {
    const { options } = optionsFor({ xrayMode: mode });
    const { traceHeader } = installTracing(options).observer.begin(invocation, {}, () => ({}));
    assert.equal(traceHeader !== HEADER, isDrawn, mode);
  }
});

test('where nobody waits for init the exporters are loaded during it; a way out that cannot be opened stops nothing', () => {
  const eager = optionsFor({ loadsEagerly: true });
  installTracing(eager.options);
  assert.deepEqual(
    eager.opened.map(({ name }) => name),
    ['X-Ray', 'OTLP'],
  );
  const broken = (): never => {
    throw new Error('no such bundle');
  };
  installTracing(optionsFor({ loadsEagerly: true, openDelivery: broken }).options);
});

test('an invocation that nobody samples opens nothing', async () => {
  const { options, opened } = optionsFor({ hasOpenTelemetry: false });
  const { observer } = installTracing({ ...options, openDelivery: () => assert.fail('there is nothing to send') });
  const unsampled = { ...invocation, traceHeader: HEADER.replace('Sampled=1', 'Sampled=0') };
  observer.begin(unsampled, {}, () => ({})).answered({ at: 1, bodyBytes: 4, status: 202, serializedAt: 1 });
  await observer.flush('invocation', Date.now() + 10_000);
  assert.deepEqual(opened, []);
});
