// What spans come of the facts: phases, times, what the server span says of its invocation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import { Clock } from '../../instrumentation/clock.ts';
import type { GarbageCollections } from '../../instrumentation/garbage-collections.ts';
import { Heartbeat } from '../../instrumentation/heartbeat.ts';
import type { HandlerOutcome } from '../../runtime/lifecycle.ts';
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
  assert.deepEqual(stand.delivery.told, ['begin', 'flush invocation 5']);
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

test('the account goes to the resource with the first invocation, unless the user has said it', async () => {
  const stand = new RecordingStand();
  assert.equal(stand.resource.attributes['cloud.account.id'], undefined);
  stand.invoke();
  assert.equal(named(await stand.flush(), 'orders').resource.attributes['cloud.account.id'], '123456789012');
  const other = new RecordingStand();
  other.resource.attributes['cloud.account.id'] = '210987654321';
  other.invoke();
  assert.equal(other.resource.attributes['cloud.account.id'], '210987654321');
});

for (const [what, monotonicMs, wallMs, isCold] of [
  ['at once', 10, 10, true],
  ['after ten seconds', 10_000, 10_000, true],
  ['after more', 10_001, 10_001, false],
  ['after an hour in which the monotonic clock stood still', 10, 3_600_000, false],
] as const) {
  test(`proactive init: an invocation ${what} is ${isCold ? '' : 'not '}called cold, and the init is drawn accordingly`, async () => {
    const time = { monotonicMs: 1000, wallMs: 1.7e12 };
    const clock = new Clock({ monotonicNow: () => time.monotonicMs, wallNow: () => time.wallMs });
    const stand = new RecordingStand({ clock });
    stand.recorder.initEnded({ startedAt: 0, endedAt: 1000, steps: [] });
    time.monotonicMs += monotonicMs;
    time.wallMs += wallMs;
    stand.invoke({ receivedAt: time.monotonicMs });
    const spans = await stand.flush();
    assert.equal(named(spans, 'orders').attributes['faas.coldstart'], isCold);
    assert.equal(
      spans.some(({ name }) => name === 'Initialization'),
      isCold,
    );
  });
}

test('an init is drawn when it was, although the clock has been put right since', async () => {
  const time = { monotonicMs: 1000, wallMs: 1.7e12 };
  const clock = new Clock({ monotonicNow: () => time.monotonicMs, wallNow: () => time.wallMs });
  const stand = new RecordingStand({ clock });
  const steps = [{ name: 'node boot', startedAt: 0, endedAt: 600 }];
  stand.recorder.initEnded({ startedAt: 0, endedAt: 1000, steps });
  time.monotonicMs += 50;
  time.wallMs += 5050;
  stand.invoke({ receivedAt: time.monotonicMs });
  const spans = await stand.flush();
  const seconds = ([whole, nanos]: readonly [number, number]): number => whole + nanos / 1e9 - 1.7e9;
  const init = named(spans, 'Initialization');
  assert.deepEqual([seconds(init.startTime), seconds(init.endTime)].map(Math.round), [-1, 0]);
  assert.equal(seconds(named(spans, 'node boot').endTime).toFixed(1), '-0.4');
  assert.equal(seconds(named(spans, 'orders').startTime).toFixed(2), '5.05');
});

test('steps inside steps are drawn inside them, modules with their file', async () => {
  const stand = new RecordingStand();
  const at = (from: number, to: number) => ({ startedAt: stand.start + from, endedAt: stand.start + to });
  stand.init({
    steps: [
      {
        name: 'handler load',
        ...at(-100, -20),
        steps: [
          {
            name: 'index.js',
            path: '/var/task/index.js',
            ...at(-90, -30),
            steps: [{ name: 'pg/lib/index.js', path: '/var/task/node_modules/pg/lib/index.js', ...at(-80, -40) }],
          },
        ],
      },
    ],
  });
  stand.invoke();
  const spans = await stand.flush();
  assert.deepEqual(shape(spans).slice(2, 6), [
    ['Initialization', SpanKind.INTERNAL, 'orders'],
    ['handler load', SpanKind.INTERNAL, 'Initialization'],
    ['index.js', SpanKind.INTERNAL, 'handler load'],
    ['pg/lib/index.js', SpanKind.INTERNAL, 'index.js'],
  ]);
  assert.deepEqual(named(spans, 'index.js').attributes, { 'code.file.path': '/var/task/index.js' });
  assert.deepEqual(named(spans, 'handler load').attributes, {});
});

test('the first invocation after a thaw says how long the process was frozen', async () => {
  const time = { monotonicMs: 1000, wallMs: 1.7e12 };
  const clock = new Clock({ monotonicNow: () => time.monotonicMs, wallNow: () => time.wallMs });
  const heartbeat = new Heartbeat({ now: () => time.monotonicMs, wallNow: () => time.wallMs });
  const stand = new RecordingStand({ clock, heartbeat });
  stand.invoke();
  assert.equal(named(await stand.flush(), 'orders').attributes['lambda.frozen_ms'], undefined);
  time.wallMs += 90_000;
  stand.invoke({ receivedAt: time.monotonicMs });
  assert.equal(named(await stand.flush(), 'orders').attributes['lambda.frozen_ms'], 90_000);
  stand.invoke({ receivedAt: time.monotonicMs });
  assert.equal(named(await stand.flush(), 'orders').attributes['lambda.frozen_ms'], undefined);
});

test('how long the response took: serialised, posted, and its size', async () => {
  const stand = new RecordingStand();
  stand.invoke();
  const { attributes } = named(await stand.flush(), 'Invocation');
  assert.deepEqual(attributes, {
    'lambda.response.serialize_ms': 5,
    'lambda.response.post_ms': 5,
    'lambda.response.size': 4,
  });
  stand.invoke({ outcome: { ok: true, result: {}, isStreamed: true } as HandlerOutcome });
  assert.deepEqual(
    named(await stand.flush(), 'Invocation').attributes,
    { 'lambda.response.size': 4 },
    'a stream has no such moments',
  );
});

test('pauses of the garbage collector within the invocation', async () => {
  const asked: number[][] = [];
  const collections = {
    within: (from: number, to: number) => {
      asked.push([from, to]);
      return { count: 2, totalMs: 1.23456 };
    },
    forgetBefore() {},
  } as unknown as GarbageCollections;
  const stand = new RecordingStand({ collections: () => collections });
  stand.invoke();
  const { attributes } = named(await stand.flush(), 'Invocation');
  assert.deepEqual([attributes['lambda.gc.count'], attributes['lambda.gc.pause_ms']], [2, 1.235]);
  assert.deepEqual(asked, [[stand.start, stand.start + 50]]);
});
