// Events that lie, are huge or resist reading: recognition says what is safe to say, and never throws.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recogniseTrigger } from '../../../instrumentation/triggers/recognition.ts';
import { defaultTriggerOptions } from '../../../instrumentation/triggers/trigger.ts';
import { headersOf, readCorpus } from './event-corpus.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function corpusEvent(name: string): { [field: string]: never } {
  const entry = readCorpus().find((candidate) => candidate.name === name);
  assert.ok(entry, `no event ${name} in the corpus`);
  return JSON.parse(entry.json);
}

test('values that are no object are direct invocations', () => {
  for (const event of [undefined, null, true, 0, -1.5, '', 'text', '{"Records":[]}', [], [[]], [null], [1, 2], {}]) {
    const trigger = recogniseTrigger(event);
    assert.deepEqual([trigger.source, trigger.faasTrigger], ['direct', 'other'], JSON.stringify(event));
    assert.deepEqual(headersOf(trigger.carrier), {});
  }
});

test('shapes that only look like a source are not taken for it', () => {
  const lookAlikes: unknown[] = [
    { Records: 'aws:sqs' },
    { Records: { 0: { eventSource: 'aws:dynamo' } } },
    { Records: [] },
    { Records: [null, { eventSource: 'aws:sqs' }] },
    { Records: ['eventSource', 'aws:sqs'] },
    { Records: [{ Sns: 'text' }] },
    { Records: [{ s3: [] }] },
    { Records: [{ kinesis: null }] },
    { version: '2.0', rawQueryString: 7, requestContext: { http: {} } },
    { httpMethod: ['GET'], resource: '/', requestContext: { stage: 'prod' } },
    { requestContext: 'elb' },
    { requestContext: { elb: 'targetGroupArn' } },
    { requestContext: null, requestPayload: {} },
    { source: 'aws.events' },
    { 'detail-type': 'Scheduled Event' },
    { eventSource: 'aws:kafka', records: 'orders-0' },
    { eventSource: 'aws:mq', messages: {} },
    { Execution: { Id: 1 }, State: { Name: 'x' } },
    { awslogs: 'data' },
    { type: 'TOKEN' },
    { warmer: 1 },
  ];
  for (const event of lookAlikes) {
    assert.equal(recogniseTrigger(event).source, 'direct', JSON.stringify(event));
  }
});

test('header values of any type are read as far as they are text', () => {
  const event = {
    version: '2.0',
    rawQueryString: '',
    requestContext: { http: { method: 'GET', path: '/' } },
    headers: {
      traceparent: [null, 7, { value: traceparent }],
      host: 42,
      'user-agent': null,
      'x-forwarded-for': { key: 'x' },
      'x-forwarded-proto': [],
      'x-forwarded-port': '99999999',
      'X-AMZN-TRACE-ID': true,
      baggage: ['a=1', null, 'b=2'],
    },
  };
  const trigger = recogniseTrigger(event, { ...defaultTriggerOptions, requestHeaders: ['host', 'user-agent'] });
  assert.deepEqual(trigger.attributes, {
    'http.request.method': 'GET',
    'url.path': '/',
    'url.scheme': 'https',
    'server.address': '42',
    'http.request.header.host': ['42'],
  });
  assert.deepEqual(headersOf(trigger.carrier), { traceparent: '7', baggage: 'a=1,b=2' });
});

test('names from the prototype are not fields', () => {
  const polluted = JSON.parse(
    '{"__proto__":{"Records":[{"eventSource":"aws:sqs"}]},"constructor":{"name":"x"},"headers":{"__proto__":"a","constructor":"b"}}',
  );
  const trigger = recogniseTrigger(polluted);
  assert.equal(trigger.source, 'direct');
  assert.equal(trigger.carrier?.get('__proto__'), 'a');
  assert.equal(trigger.carrier?.get('tostring'), undefined);
  assert.equal(trigger.carrier?.get('hasOwnProperty'), undefined);
  assert.equal(({} as { Records?: unknown }).Records, undefined);

  const queue = recogniseTrigger({
    Records: [{ eventSource: 'aws:dynamodb', eventName: 'constructor', dynamodb: {} }],
  });
  assert.equal(queue.attributes['faas.document.operation'], undefined);
  const api = recogniseTrigger({ info: { fieldName: 'f', parentTypeName: 'constructor' }, arguments: {} });
  assert.equal(api.attributes['graphql.operation.type'], undefined);
});

test('live objects that throw are unknown, and their carriers are empty', () => {
  const throwing = new Proxy(
    {},
    {
      get() {
        throw new Error('get');
      },
    },
  );
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  for (const event of [
    throwing,
    revoked.proxy,
    { Records: [throwing] },
    { requestContext: { http: throwing, domainName: 'a.lambda-url.b' } },
  ]) {
    const trigger = recogniseTrigger(event);
    assert.deepEqual([trigger.source, trigger.faasTrigger, trigger.attributes], ['unknown', 'other', {}]);
  }
  const lazy = recogniseTrigger({
    orderId: 42,
    get traceparent(): string {
      throw new Error('later');
    },
  });
  assert.equal(lazy.source, 'direct');
  assert.equal(lazy.carrier?.get('traceparent'), undefined);
});

test('of a batch of 10 000 only the first records are searched for context', () => {
  const record = corpusEvent('sqs').Records![0] as object;
  const event = { Records: Array.from({ length: 10_000 }, () => record) };
  const trigger = recogniseTrigger(event);
  assert.equal(trigger.consumer?.attributes['messaging.batch.message_count'], 10_000);
  assert.equal(trigger.linkCarriers.length, 10);
  assert.equal(recogniseTrigger(event, { ...defaultTriggerOptions, maxLinks: 5000 }).linkCarriers.length, 128);
  assert.equal(recogniseTrigger(event, { ...defaultTriggerOptions, maxLinks: 0 }).linkCarriers.length, 0);
});

test('of more records than are looked at nothing is said that holds for all', () => {
  const record = corpusEvent('dynamodb').Records![0] as object;
  const attributes = recogniseTrigger({ Records: Array.from({ length: 129 }, () => record) }).attributes;
  assert.equal(attributes['faas.document.operation'], undefined);
  assert.equal(attributes['lambda.batch_size'], 129);
});

test('bodies over the limits are not parsed', () => {
  const envelope = (padding: number) =>
    JSON.stringify({
      Type: 'Notification',
      TopicArn: 'arn:aws:sns:eu-west-1:123456789012:order-events',
      Message: 'x'.repeat(padding),
      MessageAttributes: { traceparent: { Type: 'String', Value: traceparent } },
    });
  const record = (body: string) => ({
    messageId: '1',
    body,
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:q',
  });
  assert.equal(recogniseTrigger({ Records: [record(envelope(10))] }).source, 'sns-sqs');
  assert.equal(recogniseTrigger({ Records: [record(envelope(64 * 1024))] }).source, 'sqs');
  // Together they may take 96 Ki units: three of 30 000 fit.
  const many = recogniseTrigger({ Records: Array.from({ length: 10 }, (_, i) => record(envelope(30_000 + i))) });
  assert.equal(many.source, 'sns-sqs');
  assert.equal(many.linkCarriers.length, 3);
});

test('context values longer than any context are not handed out', () => {
  const long = recogniseTrigger({ traceparent, baggage: 'k='.padEnd(8193, 'v') });
  assert.deepEqual(headersOf(long.carrier), { traceparent });
});

test('attribute texts are cut', () => {
  const trigger = recogniseTrigger({
    requestContext: { elb: { targetGroupArn: 'arn' } },
    httpMethod: 'GET',
    path: '/'.padEnd(6_000_000, 'p'),
    queryStringParameters: { q: 'x'.repeat(1_000_000) },
    headers: {},
  });
  assert.equal(String(trigger.attributes['url.path']).length, 4096);
  assert.equal(String(trigger.attributes['url.query']).length, 4096);
});

test('maps that may be huge are not listed, and headers are still found in their usual spellings', () => {
  const headers: { [name: string]: string } = { Traceparent: traceparent, 'X-FORWARDED-PROTO': 'http', hOsT: 'odd' };
  for (let i = 0; i < 20_000; i++) headers[`header-${i}`] = 'v';
  const event = { httpMethod: 'GET', resource: '/', requestContext: { stage: 'prod' }, headers };
  const { attributes, carrier } = recogniseTrigger(event, defaultTriggerOptions, { eventBytes: 400_000 });
  assert.deepEqual(headersOf(carrier), { traceparent });
  assert.equal(attributes['url.scheme'], 'http');
  assert.equal(attributes['server.address'], undefined);
  // A large body is no large map.
  const body = 'b'.repeat(400_000);
  const small = { ...event, headers: { hOsT: 'odd' }, body };
  const listed = recogniseTrigger(small, defaultTriggerOptions, { eventBytes: 400_500 });
  assert.equal(listed.attributes['server.address'], 'odd');
});

test('a client context is read whatever the event looks like, and malformed ones do no harm', () => {
  const clientContextJson = JSON.stringify({ Custom: { traceparent } });
  assert.deepEqual(headersOf(recogniseTrigger('text', undefined, { clientContextJson }).carrier), { traceparent });
  const scheduled = recogniseTrigger(corpusEvent('eventbridge-rule'), undefined, { clientContextJson });
  assert.deepEqual(headersOf(scheduled.carrier), { traceparent });
  // The event's own context goes first, where it has one.
  const web = recogniseTrigger(corpusEvent('alb.multi-value'), undefined, {
    clientContextJson: JSON.stringify({ custom: { traceparent: 'other', baggage: 'a=1' } }),
  });
  assert.equal(web.carrier?.get('traceparent'), traceparent);
  assert.equal(web.carrier?.get('baggage'), 'a=1');
  for (const malformed of ['', '{', 'null', '[]', '{"custom":7}', '{"custom":{"traceparent":{}}}', '"text"']) {
    assert.deepEqual(headersOf(recogniseTrigger({}, undefined, { clientContextJson: malformed }).carrier), {});
  }
});

test('an event in an event is read once, not deeper', () => {
  const context = {
    requestId: 'r',
    functionArn: 'arn:aws:lambda:us-east-2:1:function:f',
    condition: 'RetriesExhausted',
  };
  const wrap = (requestPayload: unknown) => ({ version: '1.0', requestContext: context, requestPayload });
  assert.deepEqual(headersOf(recogniseTrigger(wrap({ traceparent })).carrier), { traceparent });
  assert.deepEqual(headersOf(recogniseTrigger(wrap(wrap({ traceparent }))).carrier), {});
  const links = recogniseTrigger(wrap(corpusEvent('sqs'))).linkCarriers;
  assert.equal(links.length, 1);
  assert.equal(links[0]?.carrier.get('traceparent'), traceparent);
});
