// What the trigger and the handler's end do to the spans.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import { spanOf } from '../../instrumentation/active-context.ts';
import { liveErrors } from '../../instrumentation/recorded-span.ts';
import type { HandlerOutcome } from '../../runtime/lifecycle.ts';
import {
  httpEvent,
  idOf,
  named,
  OTHER_TRACE,
  RecordingStand,
  shape,
  sqsRecord,
  TRACEPARENT,
  W3C_PARENT,
} from './recording-stand.ts';

for (const [statusCode, status, errorType] of [
  [200, { code: 0 }, undefined],
  [404, { code: 0 }, undefined],
  [500, { code: 2 }, '500'],
] as const) {
  test(`an HTTP event: name and attributes of the request, status of a ${statusCode}`, async () => {
    const stand = new RecordingStand();
    stand.invoke({ event: httpEvent(), outcome: { ok: true, result: { statusCode } } });
    const spans = await stand.flush();
    const server = named(spans, 'GET /orders/{id}');
    assert.equal(server.attributes['faas.trigger'], 'http');
    assert.equal(server.attributes['http.request.method'], 'GET');
    assert.equal(server.attributes['http.route'], '/orders/{id}');
    assert.equal(server.attributes['http.response.status_code'], statusCode);
    assert.equal(server.attributes['error.type'], errorType);
    assert.deepEqual(server.status, status);
    assert.deepEqual(named(spans, 'Invocation').status, { code: 0 }, 'the handler itself did not fail');
  });
}

test('a messaging event: a CONSUMER under Invocation, active in the handler, linked to every producer', async () => {
  const stand = new RecordingStand();
  let active: string | undefined;
  stand.invoke({
    event: { Records: [sqsRecord('m-1', TRACEPARENT), sqsRecord('m-2')] },
    handler: () => {
      active = spanOf(stand.active.active())?.spanContext().spanId;
    },
    outcome: { ok: false, error: new Error('x'), errorType: 'Error' } as HandlerOutcome,
  });
  const spans = await stand.flush();
  assert.deepEqual(shape(spans), [
    ['orders', SpanKind.SERVER, undefined],
    ['Invocation', SpanKind.INTERNAL, 'orders'],
    ['process order-queue', SpanKind.CONSUMER, 'Invocation'],
    ['Overhead', SpanKind.INTERNAL, 'orders'],
  ]);
  const consumer = named(spans, 'process order-queue');
  assert.equal(active, idOf(consumer));
  assert.deepEqual(
    consumer.links.map(({ context }) => context),
    [{ traceId: OTHER_TRACE, spanId: W3C_PARENT, traceFlags: 1, isRemote: true }],
  );
  assert.equal(consumer.attributes['messaging.system'], 'aws_sqs');
  assert.deepEqual(consumer.endTime, named(spans, 'Invocation').endTime);
  assert.equal(consumer.status.code, 2);
});

test('a failed handler: status and error.type on the spans it concerns, the exception once, and where it happened', async () => {
  const stand = new RecordingStand();
  const error = new RangeError('too far');
  stand.invoke({ outcome: { ok: false, error, errorType: 'RangeError' } as HandlerOutcome });
  const spans = await stand.flush();
  for (const name of ['orders', 'Invocation']) {
    const span = named(spans, name);
    assert.deepEqual(span.status, { code: 2, message: 'too far' });
    assert.equal(span.attributes['error.type'], 'RangeError');
  }
  assert.deepEqual(named(spans, 'Overhead').status, { code: 0 });
  const { events } = named(spans, 'Invocation');
  assert.equal(events.length, 1);
  assert.equal(liveErrors.get(events[0]!), error);
  assert.equal(events[0]?.attributes?.['exception.type'], 'RangeError');
  assert.deepEqual(named(spans, 'orders').events, []);
});

const hostile = Object.defineProperties(new Error('x'), {
  message: {
    get() {
      throw new Error('no message for you');
    },
  },
});
for (const [what, error, message] of [
  ['a text', 'plain', 'plain'],
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['an object', { reason: 1 }, '[object Object]'],
  ['an object with a message', { message: 5 }, '5'],
  ['an object without a prototype', Object.create(null), 'an error whose message cannot be read'],
] as const) {
  test(`a handler that throws ${what}`, async () => {
    const stand = new RecordingStand();
    stand.invoke({ outcome: { ok: false, error, errorType: 'x' } as HandlerOutcome });
    const invocation = named(await stand.flush(), 'Invocation');
    assert.deepEqual(invocation.status, { code: 2, message });
    assert.equal(invocation.events.length, 1);
  });
}

test('an error that throws when it is looked at costs its own description, not the spans of the invocation', async () => {
  const stand = new RecordingStand();
  const observation = stand.begin(stand.invocation(), {});
  observation.handlerSettled({ ok: false, at: stand.start + 1, error: hostile, errorType: 'Error' });
  observation.answered({ at: stand.start + 2, bodyBytes: 0, status: 202, serializedAt: 0 });
  const spans = await stand.flush();
  assert.match(`${stand.delivery.faults}`, /no message for you/);
  for (const span of spans) assert.equal(span.ended, true);
  assert.equal(named(spans, 'Invocation').status.code, 2);
});

test('the first end of a handler counts: what it does after a crash was reported changes nothing', async () => {
  const stand = new RecordingStand();
  const observation = stand.begin(stand.invocation(), {});
  const crash = new RangeError('from a timer');
  observation.handlerSettled({ ok: false, at: stand.start + 1, error: crash, errorType: 'RangeError' });
  observation.handlerSettled({ ok: true, at: stand.start + 2, result: null, isStreamed: false });
  observation.answered({ at: stand.start + 3, bodyBytes: 0, status: 202, serializedAt: stand.start + 1 });
  assert.deepEqual(named(await stand.flush(), 'Invocation').status, { code: 2, message: 'from a timer' });
});

test('an HTTP handler that throws: the gateway’s status, and the exception as the error', async () => {
  const stand = new RecordingStand();
  stand.invoke({
    event: httpEvent(),
    outcome: { ok: false, error: new RangeError('x'), errorType: 'RangeError' } as HandlerOutcome,
  });
  const { attributes } = named(await stand.flush(), 'GET /orders/{id}');
  assert.equal(attributes['http.response.status_code'], 502);
  assert.equal(attributes['error.type'], 'RangeError');
});
