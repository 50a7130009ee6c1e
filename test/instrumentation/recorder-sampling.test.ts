// Who records an invocation, whose trace it joins, and what travels on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanContext } from '@opentelemetry/api';
import { spanOf } from '../../instrumentation/active-context.ts';
import type { InvocationRecord } from '../../instrumentation/invocation-record.ts';
import type { RecorderOptions } from '../../instrumentation/recorder.ts';
import { createSampler } from '../../instrumentation/sampler.ts';
import { newSpanCounts } from '../../instrumentation/span-counts.ts';
import {
  defaultRules,
  httpEvent,
  idOf,
  named,
  OTHER_TRACE,
  PARENT,
  RecordingStand,
  ROOT,
  SAMPLED,
  TRACE_ID,
  TRACEPARENT,
  UNSAMPLED,
  W3C_PARENT,
} from './recording-stand.ts';
import { buildSpan } from './span-builder.ts';

test('X-Ray’s placement: the header’s Root and Parent, and the ids of the spans that matter', async () => {
  const stand = new RecordingStand();
  stand.invoke();
  await stand.recorder.flush('invocation', 5);
  const [batch] = stand.batches;
  assert.deepEqual(batch?.xray, {
    traceId: ROOT,
    parentId: PARENT,
    serverSpanId: idOf(named(batch!.spans, 'orders')),
    invocationSpanId: idOf(named(batch!.spans, 'Invocation')),
  });
  assert.equal(batch?.isSampledForOtlp, true);
});

const gates: readonly (readonly [
  string,
  string | undefined,
  Partial<RecorderOptions>,
  xray: boolean,
  otlp: boolean,
])[] = [
  ['sampled', SAMPLED, {}, true, true],
  ['not sampled: OTLP decides for itself', UNSAMPLED, {}, false, true],
  ['undecided', `Root=${ROOT};Parent=${PARENT};Sampled=?`, {}, false, true],
  ['without a decision', `Root=${ROOT};Parent=${PARENT}`, {}, false, true],
  ['Root alone', `Root=${ROOT}`, {}, false, true],
  ['sampled without a parent', `Root=${ROOT};Sampled=1`, {}, false, true],
  ['garbage', 'Root=garbage;Parent=x;Sampled=1', {}, false, true],
  ['over-long', `${SAMPLED};X=${'y'.repeat(5000)}`, {}, false, true],
  ['absent', undefined, {}, false, true],
  ['sampled, no daemon', SAMPLED, { hasXray: false }, false, true],
  ['sampled, OTLP off by its sampler', SAMPLED, { sampler: createSampler('always_off', 1) }, true, false],
  ['sampled, no OTLP', SAMPLED, { hasOtlp: false }, true, false],
];
for (const [what, traceHeader, options, isForXray, isForOtlp] of gates) {
  test(`gate: a header ${what}`, async () => {
    const stand = new RecordingStand(options);
    stand.invoke({ traceHeader });
    await stand.recorder.flush('invocation', 5);
    const [batch] = stand.batches;
    assert.equal(batch?.xray !== undefined, isForXray);
    assert.equal(batch?.isSampledForOtlp, isForOtlp);
    // Without an OTLP destination there is no decision of OTLP's: W3C headers then carry X-Ray's.
    const isSampledForW3c = options.hasOtlp === false ? isForXray : isForOtlp;
    for (const span of batch!.spans) assert.equal(span.spanContext().traceFlags, isSampledForW3c ? 1 : 0);
  });
}

test('neither wants it: nothing is recorded, its ids travel on', async () => {
  for (const [traceHeader, expected] of [
    [UNSAMPLED, { traceId: TRACE_ID, spanId: PARENT, traceFlags: 0, isRemote: true }],
    [`Root=${ROOT}`, undefined],
    [undefined, undefined],
  ] as const) {
    const stand = new RecordingStand({ hasOtlp: false });
    let seen: SpanContext | undefined;
    const observation = stand.invoke({
      traceHeader,
      handler: () => {
        const span = spanOf(stand.active.active());
        assert.equal(span?.isRecording() ?? false, false);
        seen = span?.spanContext();
        assert.equal(stand.recorder.owner(), undefined);
      },
    });
    assert.deepEqual(seen, expected);
    assert.equal(observation.traceHeader, traceHeader);
    const late = buildSpan();
    stand.recorder.spanStarted(late);
    stand.recorder.spanEnded(late);
    await stand.recorder.flush('invocation', 5);
    assert.deepEqual(stand.batches, []);
    assert.equal(stand.delivery.told.at(-1), 'flush invocation 5', 'what waits from before is sent all the same');
  }
});

const ERRORS = { errors: true, cold: false, slowMs: undefined };

test('F172: what may be kept is recorded, and says to everybody else what the sampler said', () => {
  const sampler = createSampler('always_off', 1);
  for (const [traceHeader, parentElsewhere] of [
    [SAMPLED, 1],
    [UNSAMPLED, undefined],
  ] as const) {
    let seen: SpanContext | undefined;
    let elsewhere: SpanContext | undefined;
    const stand = new RecordingStand({
      sampler,
      keep: ERRORS,
      runBeside(parent, handler) {
        elsewhere = parent();
        return handler();
      },
    });
    const { scope } = stand.invoke({
      traceHeader,
      handler: () => {
        seen = spanOf(stand.active.active())?.spanContext();
      },
    });
    const record = scope as InvocationRecord;
    assert.deepEqual([record.isRecorded, record.isUndecided, record.isSampledForOtlp], [true, true, false]);
    assert.deepEqual([seen?.spanId, seen?.traceFlags], [record.phases.handler.spanContext().spanId, 0]);
    assert.equal(record.isSampledForXray, traceHeader === SAMPLED);
    assert.equal(elsewhere?.traceFlags, parentElsewhere, 'a tracer of the user’s own follows what is wanted already');
  }
});

test('F172: no rules for what the sampler wants, what is dropped, or where there is no OTLP', () => {
  for (const [options, event] of [
    [{}, {}],
    [{ sampler: createSampler('always_off', 1), hasOtlp: false }, {}],
    [{ sampler: createSampler('always_off', 1), isOff: () => true }, {}],
    [{ sampler: createSampler('always_off', 1), dropsWarmUps: true }, { source: 'serverless-plugin-warmup' }],
  ] as const) {
    const stand = new RecordingStand({ ...options, keep: ERRORS, hasXray: false });
    const { scope } = stand.invoke({ event });
    assert.equal(scope.isRecorded && (scope as InvocationRecord).isUndecided, false);
  }
});

test('F172: with `errors` its own spans are in the books before anybody knows what it is, and leave them with it', () => {
  for (const [keep, begun] of [
    [ERRORS, 2],
    [{ ...ERRORS, errors: false, slowMs: 1000 }, 0],
  ] as const) {
    const counts = newSpanCounts();
    const stand = new RecordingStand({ counts, keep, sampler: createSampler('always_off', 1) });
    const arrived = stand.begin(stand.invocation({ traceHeader: UNSAMPLED }), {});
    assert.deepEqual([counts.otlp.begun, counts.xray.begun], [begun, 0]);
    arrived.decide();
    assert.deepEqual([counts.otlp.begun, counts.xray.begun], [begun, 0]);
  }
});

test('the trace header user code sees names our Invocation, if that is certain to be drawn', async () => {
  const drawn = new RecordingStand();
  const observation = drawn.invoke();
  const id = idOf(named(await drawn.flush(), 'Invocation'));
  assert.equal(observation.traceHeader, `Root=${ROOT};Parent=${id};Sampled=1;Lineage=1:a87bd80c:0`);
  assert.equal(
    (observation.scope as InvocationRecord).xrayHeader,
    SAMPLED,
    'outgoing calls start from the header as received',
  );

  for (const [options, header] of [
    [{ drawsPhases: false }, SAMPLED],
    [{ hasXray: false }, SAMPLED],
    [{}, UNSAMPLED],
    [{}, `Root=${ROOT}`],
    [{}, 'garbage'],
    [{}, undefined],
  ] as const) {
    assert.equal(new RecordingStand(options).invoke({ traceHeader: header }).traceHeader, header);
  }
});

test('the parent in OTLP: none by default, X-Ray’s when it is to be kept', async () => {
  const root = new RecordingStand();
  root.invoke();
  const alone = named(await root.flush(), 'orders');
  assert.equal(alone.parentSpanContext, undefined);
  assert.equal(alone.attributes['aws.xray.parent_id'], PARENT);

  const keep = new RecordingStand({ contextRules: { ...defaultRules, xrayParent: 'keep' } });
  keep.invoke();
  const kept = named(await keep.flush(), 'orders');
  assert.equal(kept.parentSpanContext?.spanId, PARENT);
  assert.equal(kept.attributes['aws.xray.parent_id'], undefined);
});

test('a caller’s W3C context leads OTLP; X-Ray keeps to the header; the one links to the other', async () => {
  const stand = new RecordingStand();
  stand.invoke({ event: httpEvent({ traceparent: TRACEPARENT }) });
  await stand.recorder.flush('invocation', 5);
  const [batch] = stand.batches;
  const server = named(batch!.spans, 'GET /orders/{id}');
  assert.equal(server.spanContext().traceId, OTHER_TRACE);
  assert.deepEqual(server.parentSpanContext, {
    traceId: OTHER_TRACE,
    spanId: W3C_PARENT,
    traceFlags: 1,
    isRemote: true,
  });
  assert.deepEqual(server.links, [{ context: { traceId: TRACE_ID, spanId: PARENT, traceFlags: 1, isRemote: true } }]);
  assert.equal(batch?.xray?.traceId, ROOT);
  assert.equal(batch?.xray?.parentId, PARENT);
  for (const span of batch!.spans) assert.equal(span.spanContext().traceId, OTHER_TRACE);
});

test('the sampler sees the parent that was chosen', async () => {
  const stand = new RecordingStand({ sampler: createSampler('parentbased_always_off', 1), hasXray: false });
  stand.invoke({ event: httpEvent({ traceparent: TRACEPARENT }) });
  assert.equal((await stand.flush()).length, 3);
  stand.invoke({ event: {} });
  await stand.recorder.flush('invocation', 5);
  assert.deepEqual(stand.batches, []);
});
