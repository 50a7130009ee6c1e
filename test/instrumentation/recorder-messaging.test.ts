// Messages: spans nested or flat, links or a parent, what is read only after the response, and pings that nobody wants.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { spanOf } from '../../instrumentation/active-context.ts';
import {
  idOf,
  named,
  OTHER_TRACE,
  PARENT,
  RecordingStand,
  SAMPLED,
  shape,
  sqsRecord,
  TRACE_ID,
  TRACEPARENT,
  W3C_PARENT,
} from './recording-stand.ts';

const batch = (...records: unknown[]) => ({ Records: records });

test('flat: the span of the invocation is the CONSUMER, with the attributes and links of both', async () => {
  const stand = new RecordingStand({ messagingSpans: 'flat' });
  let active: string | undefined;
  stand.invoke({
    event: batch(sqsRecord('m-1', TRACEPARENT), sqsRecord('m-2')),
    handler: () => {
      active = spanOf(stand.active.active())?.spanContext().spanId;
    },
  });
  const spans = await stand.flush();
  assert.deepEqual(shape(spans), [
    ['process order-queue', SpanKind.CONSUMER, undefined],
    ['Invocation', SpanKind.INTERNAL, 'process order-queue'],
    ['Overhead', SpanKind.INTERNAL, 'process order-queue'],
  ]);
  const consumer = named(spans, 'process order-queue');
  assert.equal(consumer.attributes['faas.trigger'], 'pubsub');
  assert.equal(consumer.attributes['faas.invocation_id'], 'r-1');
  assert.equal(consumer.attributes['messaging.system'], 'aws_sqs');
  assert.equal(consumer.attributes['messaging.batch.message_count'], 2);
  assert.deepEqual(consumer.links, [
    {
      context: { traceId: OTHER_TRACE, spanId: W3C_PARENT, traceFlags: 1, isRemote: true },
      attributes: { 'messaging.message.id': 'm-1' },
    },
  ]);
  assert.equal(active, idOf(named(spans, 'Invocation')));
});

test('flat changes nothing for events that are no messages', async () => {
  const stand = new RecordingStand({ messagingSpans: 'flat' });
  stand.invoke({ event: {} });
  assert.deepEqual(shape(await stand.flush())[0], ['orders', SpanKind.SERVER, undefined]);
});

test('a single message is linked to, and is the parent when that is wanted', async () => {
  const event = batch(sqsRecord('m-1', TRACEPARENT));
  const linking = new RecordingStand();
  linking.invoke({ event });
  const linked = await linking.flush();
  assert.equal(named(linked, 'orders').spanContext().traceId, TRACE_ID);
  assert.equal(named(linked, 'process order-queue').links[0]?.context.traceId, OTHER_TRACE);

  const following = new RecordingStand({ messagingContext: 'parent' });
  following.invoke({ event });
  await following.recorder.flush('invocation', 5);
  const [{ spans, xray } = assert.fail('nothing was recorded')] = following.batches;
  const server = named(spans, 'orders');
  assert.deepEqual(server.parentSpanContext, {
    traceId: OTHER_TRACE,
    spanId: W3C_PARENT,
    traceFlags: 1,
    isRemote: true,
  });
  assert.deepEqual(
    server.links.map(({ context }) => [context.traceId, context.spanId]),
    [[TRACE_ID, PARENT]],
  );
  assert.deepEqual(named(spans, 'process order-queue').links, [], 'the parent is no link as well');
  for (const span of spans) assert.equal(span.spanContext().traceId, OTHER_TRACE);
  assert.equal(xray?.parentId, PARENT, 'X-Ray keeps to the header');
});

test('of several messages none is the parent, even when only one carries a context', async () => {
  const stand = new RecordingStand({ messagingContext: 'parent' });
  stand.invoke({ event: batch(sqsRecord('m-1', TRACEPARENT), sqsRecord('m-2')) });
  const spans = await stand.flush();
  assert.equal(named(spans, 'orders').spanContext().traceId, TRACE_ID);
  assert.equal(named(spans, 'process order-queue').links.length, 1);
});

test('a link takes an X-Ray header when a message has nothing else', async () => {
  const record = sqsRecord('m-1') as { attributes: Record<string, string> };
  Object.assign(record.attributes, { AWSTraceHeader: SAMPLED });
  const stand = new RecordingStand();
  stand.invoke({ event: batch(record), traceHeader: undefined });
  const [link] = named(await stand.flush(), 'process order-queue').links;
  assert.deepEqual(link?.context, { traceId: TRACE_ID, spanId: PARENT, traceFlags: 1, isRemote: true });
});

const kafkaRecord = {
  topic: 'orders',
  partition: 0,
  offset: 15,
  timestamp: 1_700_000_000_000,
  headers: [{ traceparent: [...Buffer.from(TRACEPARENT)] }],
};
const kafka = {
  eventSource: 'aws:kafka',
  bootstrapServers: 'b-1.example.com:9092',
  records: { 'orders-0': [kafkaRecord] },
};

test('a Kafka event that is too large to be listed in time is described after the response', async () => {
  for (const messagingSpans of ['nested', 'flat'] as const) {
    const small = new RecordingStand({ messagingSpans });
    small.invoke({ event: kafka });
    const large = new RecordingStand({ messagingSpans });
    const observation = large.begin(large.invocation({ eventBytes: 6_000_000 }), kafka);
    observation.handlerSettled({ ok: true, at: large.start, result: null, isStreamed: false });
    observation.answered({ at: large.start + 5, bodyBytes: 4, status: 202, serializedAt: large.start });
    const [expected, found] = [await small.flush(), await large.flush()].map((spans) => named(spans, 'process orders'));
    const described = ({ attributes }: ReadableSpan) => {
      const { 'lambda.event_wait_ms': _wait, 'spanstrap.overhead_us': _own, ...rest } = attributes;
      return rest;
    };
    assert.deepEqual(described(found!), described(expected!));
    const plain = ({ links }: ReadableSpan) => links.map(({ context, attributes: own }) => [context, own]);
    assert.deepEqual(plain(found!), plain(expected!));
    assert.equal(found!.links.length, 1);
  }
});

test('a lying Kafka event with 150 000 partitions is not listed before the answer', async () => {
  const records = Object.fromEntries(Array.from({ length: 150_000 }, (_, at) => [`p-${at}`, []]));
  let listed = 0;
  const watched = new Proxy(records, {
    ownKeys: (target) => {
      listed++;
      return Reflect.ownKeys(target);
    },
  });
  const stand = new RecordingStand();
  const observation = stand.begin(stand.invocation({ eventBytes: 2_000_000 }), { ...kafka, records: watched });
  observation.run(() => assert.equal(listed, 0));
  observation.handlerSettled({ ok: true, at: stand.start, result: null, isStreamed: false });
  observation.answered({ at: stand.start + 5, bodyBytes: 4, status: 202, serializedAt: stand.start });
  assert.equal(listed, 0);
  await stand.flush();
  assert.ok(listed > 0);
});

test('pings that only keep the function warm are recorded like others, or not at all', async () => {
  for (const event of [{ source: 'serverless-plugin-warmup' }, { warmer: true, concurrency: 3 }]) {
    const keeping = new RecordingStand();
    keeping.invoke({ event });
    assert.equal((await keeping.flush()).length, 3);

    const dropping = new RecordingStand({ dropsWarmUps: true });
    dropping.init();
    dropping.invoke({ event });
    await dropping.recorder.flush('invocation', 5);
    assert.deepEqual(dropping.batches, []);
    dropping.invoke({ event: { order: 1 } });
    const spans = await dropping.flush();
    assert.equal(named(spans, 'orders').attributes['faas.coldstart'], false, 'the ping took the cold start');
    named(spans, 'Initialization');
  }
});

test('records that are no messages are linked to from the invocation itself', async () => {
  const stand = new RecordingStand();
  const record = {
    eventID: '1',
    eventName: 'INSERT',
    eventSource: 'aws:dynamodb',
    eventSourceARN: 'arn:aws:dynamodb:eu-west-1:123456789012:table/Orders/stream/2024',
    dynamodb: { NewImage: { traceparent: { S: TRACEPARENT } } },
  };
  stand.invoke({ event: batch(record) });
  const server = named(await stand.flush(), 'orders');
  assert.deepEqual(
    server.links.map(({ context }) => context.traceId),
    [OTHER_TRACE],
  );
});
