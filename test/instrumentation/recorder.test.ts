// What spans come of the facts: phases, times, what the server span says of its invocation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import { idOf, named, RecordingStand, shape, TRACE_ID, UNSAMPLED } from './recording-stand.ts';

test('a cold invocation: the server span around Initialization, Invocation and Overhead, all ended', async () => {
  const stand = new RecordingStand();
  stand.init();
  stand.invoke();
  const spans = await stand.flush();
  assert.deepEqual(shape(spans), [
    ['orders', SpanKind.SERVER, undefined],
    ['Invocation', SpanKind.INTERNAL, 'orders'],
    ['Initialization', SpanKind.INTERNAL, 'orders'],
    ['node boot', SpanKind.INTERNAL, 'Initialization'],
    ['handler load', SpanKind.INTERNAL, 'Initialization'],
    ['Overhead', SpanKind.INTERNAL, 'orders'],
  ]);
  for (const span of spans) {
    assert.equal(span.ended, true);
    assert.equal(span.spanContext().traceId, TRACE_ID);
    assert.equal(span.spanContext().traceFlags, 1);
    assert.deepEqual(span.status, { code: 0 });
    assert.equal(span.instrumentationScope.name, 'spanstrap');
    assert.equal(span.resource.attributes['faas.name'], 'orders');
  }
  assert.equal(new Set(spans.map(idOf)).size, spans.length);
  assert.deepEqual(stand.flushes, [['invocation', 5]]);
});

test('times are the facts’: event received, response taken, flush begun', async () => {
  const stand = new RecordingStand();
  stand.init();
  stand.invoke();
  const before = stand.clock.now();
  const spans = await stand.flush();
  const after = stand.clock.now();
  const at = (instant: number): unknown => stand.clock.hrTime(instant);
  const server = named(spans, 'orders');
  const invocation = named(spans, 'Invocation');
  for (const span of [server, invocation]) {
    assert.deepEqual([span.startTime, span.endTime], [at(stand.start), at(stand.start + 50)]);
  }
  const init = named(spans, 'Initialization');
  assert.deepEqual([init.startTime, init.endTime], [at(stand.start - 200), at(stand.start - 10)]);
  const load = named(spans, 'handler load');
  assert.deepEqual([load.startTime, load.endTime], [at(stand.start - 150), at(stand.start - 20)]);
  const overhead = named(spans, 'Overhead');
  assert.deepEqual(overhead.startTime, at(stand.start + 50));
  // The facts are made up, so the flush may begin before the answer: an end before the start counts as the start.
  const ends = [before, after].map((instant) => at(Math.max(instant, stand.start + 50))) as [number, number][];
  const nanos = ([seconds, rest]: readonly [number, number]): number => (seconds - ends[0]![0]) * 1e9 + rest;
  assert.ok(nanos(overhead.endTime) >= nanos(ends[0]!) && nanos(overhead.endTime) <= nanos(ends[1]!));
});

test('a warm invocation has no Initialization', async () => {
  const stand = new RecordingStand();
  stand.init();
  stand.invoke();
  await stand.flush();
  stand.invoke({ requestId: 'r-2' });
  assert.deepEqual(
    (await stand.flush()).map(({ name }) => name),
    ['orders', 'Invocation', 'Overhead'],
  );
});

for (const [afterMs, isDrawn] of [
  [10_000, true],
  [10_001, false],
] as const) {
  test(`an init that ended ${afterMs} ms before its invocation is ${isDrawn ? '' : 'not '}drawn`, async () => {
    const stand = new RecordingStand();
    stand.init({ startedAt: stand.start - 11_000, endedAt: stand.start - afterMs, steps: [] });
    stand.invoke();
    assert.equal(
      (await stand.flush()).some(({ name }) => name === 'Initialization'),
      isDrawn,
    );
    stand.invoke({ requestId: 'r-2' });
    assert.equal(
      (await stand.flush()).some(({ name }) => name === 'Initialization'),
      false,
      'once, or never',
    );
  });
}

test('the first invocation that is recorded takes the init; the first of all is the cold one', async () => {
  const stand = new RecordingStand({ hasOtlp: false });
  stand.init();
  stand.invoke({ traceHeader: UNSAMPLED });
  await stand.recorder.flush('invocation', 5);
  assert.deepEqual(stand.batches, []);
  stand.invoke({ requestId: 'r-2' });
  const spans = await stand.flush();
  named(spans, 'Initialization');
  assert.equal(named(spans, 'orders').attributes['faas.coldstart'], false);
});

test('faas.coldstart: the first invocation, where init was waited for', async () => {
  for (const isColdStart of [true, false]) {
    const stand = new RecordingStand({ isColdStart });
    stand.invoke();
    assert.equal(named(await stand.flush(), 'orders').attributes['faas.coldstart'], isColdStart);
    stand.invoke({ requestId: 'r-2' });
    assert.equal(named(await stand.flush(), 'orders').attributes['faas.coldstart'], false);
  }
});

for (const [what, invokedFunctionArn, resourceId] of [
  [
    'unqualified',
    'arn:aws:lambda:eu-west-1:123456789012:function:orders',
    'arn:aws:lambda:eu-west-1:123456789012:function:orders',
  ],
  [
    'of an alias, which stands for a version',
    'arn:aws:lambda:eu-west-1:123456789012:function:orders:live',
    'arn:aws:lambda:eu-west-1:123456789012:function:orders:7',
  ],
  [
    'of another partition',
    'arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:7',
    'arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:7',
  ],
] as const) {
  test(`cloud.resource_id: an ARN ${what}`, async () => {
    const stand = new RecordingStand();
    stand.invoke({ invokedFunctionArn, tenantId: 'tenant' });
    const { attributes } = named(await stand.flush(), 'orders');
    assert.equal(attributes['cloud.resource_id'], resourceId);
    assert.equal(attributes['aws.lambda.invoked_arn'], invokedFunctionArn);
    assert.equal(attributes['cloud.account.id'], '123456789012');
    assert.equal(attributes['faas.invocation_id'], 'r-1');
    assert.equal(attributes['faas.trigger'], 'other');
    assert.equal(attributes['aws.lambda.tenant_id'], 'tenant');
  });
}

test('an ARN that is none gives no attributes', async () => {
  const stand = new RecordingStand();
  stand.invoke({ invokedFunctionArn: '', tenantId: '' });
  const { attributes } = named(await stand.flush(), 'orders');
  assert.deepEqual(
    Object.keys(attributes).filter((key) => /cloud|arn|tenant/.test(key)),
    [],
  );
});
