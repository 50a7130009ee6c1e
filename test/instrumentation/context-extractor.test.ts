// The user's own way to a trace context: what it may return, and how it may fail.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraceState, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { createContextExtractor, type UserExtractor } from '../../instrumentation/context-extractor.ts';
import type { Invocation } from '../../runtime/lifecycle.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;
const invocation = {
  requestId: 'r-1',
  invokedFunctionArn: 'arn',
  clientContextJson: '{"custom":{"a":1}}',
} as Invocation;

function extractWith(extract: UserExtractor, event: unknown = {}) {
  const reports: string[] = [];
  const extractor = createContextExtractor(extract, (message) => reports.push(message));
  return { carrier: extractor(event, invocation), again: () => extractor(event, invocation), reports };
}

for (const [what, extracted] of [
  ['headers', { traceparent: TRACEPARENT }],
  ['headers in another case', { TraceParent: TRACEPARENT }],
  ['headers in lists', { traceparent: [TRACEPARENT] }],
  ['a Map', new Map([['traceparent', TRACEPARENT]])],
  ['Headers', new Headers({ Traceparent: TRACEPARENT })],
  ['a span context', { traceId: TRACE, spanId: SPAN, traceFlags: 1 }],
  ['an OpenTelemetry context', trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE, spanId: SPAN, traceFlags: 1 })],
] as const) {
  test(`it may return ${what}`, () => {
    const { carrier, reports } = extractWith(() => extracted);
    assert.equal(carrier?.get('traceparent'), TRACEPARENT);
    assert.equal(carrier.get('x-amzn-trace-id'), undefined);
    assert.deepEqual(reports, []);
  });
}

test('a span context brings its tracestate along', () => {
  const { carrier } = extractWith(() => ({
    traceId: TRACE,
    spanId: SPAN,
    traceFlags: 0,
    traceState: createTraceState('a=b'),
  }));
  assert.equal(carrier?.get('traceparent'), `00-${TRACE}-${SPAN}-00`);
  assert.equal(carrier.get('tracestate'), 'a=b');
});

test('it is given the event and fields of the context', () => {
  const event = { order: 1 };
  extractWith((seen, { awsRequestId, invokedFunctionArn, clientContext }) => {
    assert.equal(seen, event);
    assert.deepEqual([awsRequestId, invokedFunctionArn, clientContext], ['r-1', 'arn', { custom: { a: 1 } }]);
    return undefined;
  }, event);
});

test('nothing found is no failure', () => {
  for (const nothing of [undefined, null, '', 7, false, {}, ROOT_CONTEXT]) {
    const { carrier, reports } = extractWith(() => nothing);
    assert.equal(carrier?.get('traceparent'), undefined);
    assert.deepEqual(reports, []);
  }
});

for (const [what, extract, line] of [
  [
    'throws',
    () => {
      throw new RangeError('no such field');
    },
    /failed: RangeError: no such field/,
  ],
  ['rejects', () => Promise.reject(new Error('late')), /returned a promise/],
  ['is asynchronous', async () => ({ traceparent: TRACEPARENT }), /returned a promise/],
] as const) {
  test(`an extractor that ${what} costs one line`, () => {
    const { carrier, again, reports } = extractWith(extract);
    assert.equal(carrier, undefined);
    assert.equal(again(), undefined);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, line);
  });
}

test('what it returns may resist reading', () => {
  const hostile = {
    get() {
      throw new Error('not today');
    },
  };
  const { carrier, reports } = extractWith(() => hostile);
  assert.equal(carrier?.get('traceparent'), undefined);
  assert.match(reports[0]!, /cannot be read: Error: not today/);
});
