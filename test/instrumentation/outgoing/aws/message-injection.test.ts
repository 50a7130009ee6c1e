// What is put into messages, and the limits at which nothing is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InjectionTarget, injectTrace } from '../../../../instrumentation/outgoing/aws/message-injection.ts';
import { fc } from '../../../support/property.ts';

type Input = Record<string, unknown>;
const ALL: readonly InjectionTarget[] = ['sqs', 'sns', 'lambda', 'eventbridge', 'kinesis'];
const FIELDS = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'a=b',
  baggage: 'k=v',
};
const XRAY = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

const inject = (call: string, input: Input, targets = ALL): Input => injectTrace(call, input, targets, FIELDS, XRAY);
const attributesOf = (input: Input): Record<string, { StringValue: string }> =>
  (input.MessageAttributes ?? {}) as Record<string, { StringValue: string }>;
const attribute = { DataType: 'String', StringValue: 'mine' };

test('never more than ten attributes, and the message’s own stay', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 14 }), (names) => {
      const own = Object.fromEntries(names.map((name) => [name, attribute]));
      const input = { QueueUrl: 'q', MessageBody: 'body', MessageAttributes: own };
      const frozen = structuredClone(input);
      const after = attributesOf(inject('SQS.SendMessage', input));
      assert.deepEqual(input, frozen, 'the caller’s object is not touched');
      for (const name of names) assert.deepEqual(after[name], attribute);
      const added = Object.keys(after).length - names.length;
      assert.equal(
        added,
        Math.max(0, Math.min(10 - names.length, 3 - names.filter((name) => Object.hasOwn(FIELDS, name)).length)),
      );
      if (added > 0 && !names.includes('traceparent')) assert.equal(after.traceparent?.StringValue, FIELDS.traceparent);
    }),
  );
});

test('every entry of a batch, and nothing of what somebody has set', () => {
  const entries = [
    { Id: '1', MessageBody: 'a' },
    { Id: '2', MessageBody: 'b', MessageAttributes: { traceparent: attribute } },
    'no entry',
  ];
  const after = inject('SQS.SendMessageBatch', { Entries: entries }).Entries as Input[];
  assert.deepEqual(Object.keys(attributesOf(after[0]!)), Object.keys(FIELDS));
  assert.equal(after[1], entries[1]);
  assert.equal(after[2], 'no entry');
  const topics = inject('SNS.PublishBatch', { PublishBatchRequestEntries: [{ Id: '1', Message: 'a' }] });
  assert.equal(Object.keys(attributesOf((topics.PublishBatchRequestEntries as Input[])[0]!)).length, 3);
});

test('text messages to phones, large messages and what nobody asked for stay as they are', () => {
  const unchanged: [string, Input, (readonly InjectionTarget[])?][] = [
    ['SNS.Publish', { PhoneNumber: '+1', Message: 'a' }],
    ['SQS.SendMessage', { MessageBody: 'x'.repeat(200_000) }],
    ['SQS.SendMessage', { MessageBody: 'x' }, ['sns']],
    ['SQS.ReceiveMessage', {}],
    ['Lambda.Invoke', { InvocationType: 'Event' }],
    ['Lambda.Invoke', { InvocationType: 'DryRun' }],
    ['Lambda.Invoke', { ClientContext: 'no base64 of JSON' }],
    ['Lambda.Invoke', { ClientContext: Buffer.from('"text"').toString('base64') }],
    ['Lambda.Invoke', { ClientContext: Buffer.from('[1]').toString('base64') }],
    ['Lambda.Invoke', { ClientContext: Buffer.from('{"custom":"text"}').toString('base64') }],
    ['Lambda.Invoke', { ClientContext: Buffer.from('{"custom":[1]}').toString('base64') }],
    ['Lambda.Invoke', { ClientContext: Buffer.from('{"client":"\xe9"}', 'latin1').toString('base64') }],
    ['SQS.SendMessageBatch', { Entries: 'none' }],
    ['Kinesis.PutRecord', { Data: 'a text, which the SDK refuses' }],
    ['Kinesis.PutRecord', { Data: new TextEncoder().encode('[1]') }],
    ['Kinesis.PutRecord', { Data: new Uint8Array([0xff, 0xfe]) }],
    ['Kinesis.PutRecord', { Data: new Uint8Array(Buffer.from('{"name":"\xe9"}', 'latin1')) }],
  ];
  for (const [call, input, targets] of unchanged) {
    assert.deepEqual(inject(call, input, targets), input, `${call} ${JSON.stringify(input).slice(0, 60)}`);
  }
});

test('what a class computes is not in a copy, so that no copy is made', () => {
  class Order {
    readonly #id: string;
    constructor(id: string) {
      this.#id = id;
    }
    get MessageBody() {
      return this.#id;
    }
  }
  class Attributes {
    get order() {
      return attribute;
    }
  }
  class Plain {
    readonly MessageBody = 'body';
    describe() {
      return this.MessageBody;
    }
  }
  const single = new Order('7') as unknown as Input;
  assert.equal(inject('SQS.SendMessage', single), single);
  const entries = [new Order('7'), new Plain(), { MessageBody: 'b', MessageAttributes: new Attributes() }];
  const after = inject('SQS.SendMessageBatch', { Entries: entries }).Entries as Input[];
  assert.equal(after[0], entries[0]);
  assert.deepEqual(Object.keys(attributesOf(after[1]!)), Object.keys(FIELDS));
  assert.equal(after[1]!.MessageBody, 'body');
  assert.equal(after[2], entries[2]);
});

test('numbers in the client context stay as they are written', () => {
  const ClientContext = Buffer.from('{"custom":{"id":12345678901234567890,"price":1.10}}').toString('base64');
  const after = String(inject('Lambda.Invoke', { ClientContext }).ClientContext);
  const text = Buffer.from(after, 'base64').toString();
  assert.match(text, /"id":12345678901234567890,"price":1\.10\}/);
  assert.equal(JSON.parse(text).custom.baggage, 'k=v');
});

test('the client context stays below its limit, with what the caller has in it', () => {
  fc.assert(
    fc.property(fc.nat(3000), (length) => {
      const given = { client: { app: 'x'.repeat(length) }, custom: { traceparent: 'mine', order: '7' } };
      const ClientContext = Buffer.from(JSON.stringify(given)).toString('base64');
      const after = String(inject('Lambda.Invoke', { ClientContext }).ClientContext);
      assert.ok(after === ClientContext || after.length <= 3583);
      const read = JSON.parse(Buffer.from(after, 'base64').toString());
      assert.deepEqual(read.client, given.client);
      assert.equal(read.custom.traceparent, 'mine');
      assert.equal(read.custom.order, '7');
      if (after !== ClientContext) assert.equal(read.custom.baggage, 'k=v');
      else
        assert.ok(
          Buffer.from(JSON.stringify({ ...given, custom: { ...FIELDS, ...given.custom } })).toString('base64').length >
            3583,
        );
    }),
  );
});

test('fields are added to the text of a detail, whose own text stays', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 });
  fc.assert(
    fc.property(objects, fc.constantFrom(undefined, 2), (detail, indent) => {
      const Detail = JSON.stringify(detail, null, indent);
      const [entry] = inject('EventBridge.PutEvents', { Entries: [{ Detail }] }).Entries as Input[];
      const after = JSON.parse(String(entry!.Detail));
      assert.deepEqual(after, { ...FIELDS, ...JSON.parse(Detail) });
      assert.equal(entry!.TraceHeader, XRAY);
      assert.ok(String(entry!.Detail).startsWith(Detail.slice(0, Detail.lastIndexOf('}'))));
    }),
  );
  const [exact] = inject('EventBridge.PutEvents', {
    Entries: [{ Detail: '{"n": 1.000000000000000000001}', TraceHeader: 'mine' }],
  }).Entries as Input[];
  assert.match(String(exact!.Detail), /"n": 1\.000000000000000000001,"traceparent"/);
  assert.equal(exact!.TraceHeader, 'mine');
  const data = inject('Kinesis.PutRecord', { Data: new TextEncoder().encode('{"a":1}') }).Data as Uint8Array;
  assert.deepEqual(JSON.parse(new TextDecoder().decode(data)), { a: 1, ...FIELDS });
});
