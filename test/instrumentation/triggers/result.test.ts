// What the handler's result means for the span, as a table: source, result, status and error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { recogniseTrigger } from '../../../instrumentation/triggers/recognition.ts';
import { describeResult } from '../../../instrumentation/triggers/result.ts';
import { defaultTriggerOptions, type Trigger, type TriggerOptions } from '../../../instrumentation/triggers/trigger.ts';
import { readCorpus, recogniseEntry } from './event-corpus.ts';

const triggers = new Map(readCorpus().map((entry) => [entry.name, recogniseEntry(entry)]));

function triggerOf(name: string): Trigger {
  const trigger = triggers.get(name);
  assert.ok(trigger, `no event ${name} in the corpus`);
  return trigger;
}

const STATUS = 'http.response.status_code';
type Row = readonly [source: string, result: unknown, status: number | undefined];

const statusRows: readonly Row[] = [
  // A named status counts everywhere, as number or as three digits.
  ['api-gateway-rest', { statusCode: 201 }, 201],
  ['api-gateway-rest', { statusCode: '404', body: '' }, 404],
  ['api-gateway-http', { statusCode: '503' }, 503],
  ['function-url', { statusCode: 302 }, 302],
  ['alb', { statusCode: 200, statusDescription: '200 OK' }, 200],
  ['vpc-lattice-v2', { statusCode: 200 }, 200],
  ['vpc-lattice-v1', { statusCode: 418 }, 418],
  ['api-gateway-websocket', { statusCode: 401 }, 401],
  ['api-gateway-websocket.message', { statusCode: 200 }, 200],
  ['cloudfront', { status: '301', statusDescription: 'Moved' }, 301],
  // No result at all: 502 for API Gateway and load balancers; null is what JSON makes of undefined.
  ['api-gateway-rest', undefined, 502],
  ['api-gateway-rest', null, 502],
  ['api-gateway-http', undefined, 502],
  ['api-gateway-http-v1', null, 502],
  ['api-gateway-websocket', undefined, 502],
  ['alb', undefined, 502],
  ['function-url', undefined, undefined],
  ['vpc-lattice-v2', undefined, undefined],
  ['cloudfront', undefined, undefined],
  ['api-gateway-websocket.message', undefined, undefined],
  // Results without a status: payload 2.0 and URLs wrap them into a 200.
  ['api-gateway-http', 'hello', 200],
  ['api-gateway-http', { hello: 'world' }, 200],
  ['api-gateway-http', [1, 2], 200],
  ['api-gateway-http', 42, 200],
  ['api-gateway-http', { status: 404 }, 200],
  ['function-url', '', 200],
  ['function-url', { hello: 'world' }, 200],
  // Malformed ones: the load balancer says 502, REST takes objects only, of the rest nothing is known.
  ['alb', 'hello', 502],
  ['alb', { body: 'hello' }, 502],
  ['alb', { statusCode: 'abc' }, 502],
  ['alb', { statusCode: 99 }, 502],
  ['api-gateway-rest', 'hello', 502],
  ['api-gateway-rest', [{ statusCode: 200 }], 502],
  ['api-gateway-rest', { body: 'hello' }, undefined],
  ['api-gateway-rest', { statusCode: 'abc' }, undefined],
  ['api-gateway-http', { statusCode: 1000 }, undefined],
  ['api-gateway-http', { statusCode: null }, undefined],
  ['function-url', { statusCode: 200.5 }, undefined],
  ['cloudfront', { uri: '/index.html', method: 'GET' }, undefined],
  ['vpc-lattice-v1', 'hello', undefined],
  // Sources that are no HTTP have no status, whatever the result looks like.
  ['sqs', { statusCode: 500 }, undefined],
  ['direct', { statusCode: 500 }, undefined],
  ['eventbridge', { statusCode: 500 }, undefined],
  ['appsync', { statusCode: 500 }, undefined],
  ['api-gateway-authorizer', { statusCode: 500 }, undefined],
];

for (const [source, result, status] of statusRows) {
  test(`${source} with ${JSON.stringify(result)} is ${status ?? 'without a status'}`, () => {
    const { attributes, errorType } = describeResult(triggerOf(source), result);
    assert.equal(attributes[STATUS], status);
    assert.equal(errorType, status !== undefined && status >= 500 ? String(status) : undefined);
  });
}

test('a streamed response is a 200 unless its prelude says otherwise', () => {
  const options = defaultTriggerOptions;
  assert.equal(describeResult(triggerOf('function-url'), undefined, options, true).attributes[STATUS], 200);
  assert.equal(describeResult(triggerOf('api-gateway-rest'), undefined, options, true).attributes[STATUS], 200);
  const prelude = { statusCode: 503, headers: {} };
  const described = describeResult(triggerOf('function-url'), prelude, options, true);
  assert.deepEqual(described, { attributes: { [STATUS]: 503 }, errorType: '503' });
});

test('statuses are not inferred when that is switched off', () => {
  const options = { ...defaultTriggerOptions, infersHttpStatus: false };
  assert.deepEqual(describeResult(triggerOf('alb'), undefined, options), { attributes: {}, errorType: undefined });
  assert.equal(describeResult(triggerOf('alb'), { statusCode: 200 }, options).attributes[STATUS], 200);
});

test('old names, headers and sizes of a response are taken when they are wanted', () => {
  const options: TriggerOptions = {
    ...defaultTriggerOptions,
    semconvOptIn: ['http/dup'],
    responseHeaders: ['content-type', 'set-cookie', 'x-absent'],
    capturesBodySizes: true,
  };
  const result = {
    statusCode: 200,
    headers: { 'Content-Type': 'text/html' },
    multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'] },
    body: 'YWJj',
    isBase64Encoded: true,
  };
  assert.deepEqual(describeResult(triggerOf('api-gateway-rest'), result, options).attributes, {
    'http.response.status_code': 200,
    'http.status_code': 200,
    'http.response.body.size': 3,
    'http.response.header.content-type': ['text/html'],
    'http.response.header.set-cookie': ['a=1', 'b=2'],
  });
  const plain = describeResult(triggerOf('function-url'), 'ä', options).attributes;
  assert.equal(plain['http.response.body.size'], 2);
});

type BatchRow = readonly [
  source: string,
  identifiers: readonly unknown[],
  rule: TriggerOptions['batchFailureIsError'],
  isError: boolean,
];

const first = '49590338271490256608559692538361571095921575989136588898';
const batchRows: readonly BatchRow[] = [
  ['sqs.batch', [], 'all', false],
  ['sqs.batch', [], 'any', false],
  ['sqs.batch', ['1'], 'all', false],
  ['sqs.batch', ['1'], 'any', true],
  ['sqs.batch', ['1', '2', '3'], 'all', true],
  ['sqs.batch', ['1', '2', '3'], 'never', false],
  // An identifier that is none makes Lambda take the whole batch as failed.
  ['sqs.batch', [''], 'all', true],
  ['sqs.batch', [null], 'all', true],
  // A stream is read again from the first failure on: when that is the first record, everything comes again.
  ['kinesis', [first], 'all', true],
  ['kinesis', ['49590338271490256608559692540925702759324208523137515618'], 'all', false],
  ['dynamodb.mixed', ['222'], 'all', true],
  ['dynamodb.mixed', ['333'], 'all', false],
  ['pipes', ['1'], 'all', true],
];

for (const [source, identifiers, batchFailureIsError, isError] of batchRows) {
  test(`${source} with failures ${JSON.stringify(identifiers)} is ${isError ? 'an' : 'no'} error (${batchFailureIsError})`, () => {
    const result = { batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) };
    const described = describeResult(triggerOf(source), result, { ...defaultTriggerOptions, batchFailureIsError });
    assert.deepEqual(described, {
      attributes: { 'lambda.batch_item_failures': identifiers.length },
      errorType: isError ? 'batch_item_failure' : undefined,
    });
  });
}

test('a batch source that reports nothing is told nothing of', () => {
  for (const result of [undefined, null, 'x', {}, { batchItemFailures: 'all' }]) {
    assert.deepEqual(describeResult(triggerOf('sqs'), result), { attributes: {}, errorType: undefined });
  }
});

test('results that resist reading are told nothing of', () => {
  const hostile = {
    get statusCode(): number {
      throw new Error('no');
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const nothing: { attributes: Attributes; errorType: string | undefined } = { attributes: {}, errorType: undefined };
  for (const source of ['api-gateway-rest', 'alb', 'sqs', 'cloudfront']) {
    assert.deepEqual(describeResult(triggerOf(source), revoked.proxy), nothing);
  }
  assert.deepEqual(describeResult(triggerOf('alb'), hostile), nothing);
  const circular: { self?: unknown } = {};
  circular.self = circular;
  assert.equal(describeResult(triggerOf('function-url'), circular).attributes[STATUS], 200);
  assert.deepEqual(describeResult(recogniseTrigger(1), Symbol('x')), nothing);
});
