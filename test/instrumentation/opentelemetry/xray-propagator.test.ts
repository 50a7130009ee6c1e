import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, defaultTextMapSetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { XrayPropagator } from '../../../instrumentation/opentelemetry/xray-propagator.ts';
import type { OutgoingTrace } from '../../../instrumentation/outgoing/propagation.ts';

const RECEIVED =
  'Self=1-2-3;Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0';
const SPAN = { traceId: '65f1a2b30123456789abcdef01234567', spanId: '00f067aa0ba902b7', traceFlags: 0 };
const withSpanContext = trace.setSpanContext(ROOT_CONTEXT, SPAN);

type Trace = Pick<OutgoingTrace, 'xrayHeader' | 'isSampledForXray'>;

function inject(outgoing: Trace | undefined, context: Context, carrier: Record<string, unknown> = {}): unknown {
  new XrayPropagator(() => outgoing).inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

const sampled = { xrayHeader: RECEIVED, isSampledForXray: true };

test('the header goes on with the calling span as its parent, everything else verbatim and in its place', () => {
  assert.deepEqual(inject(sampled, withSpanContext), {
    'X-Amzn-Trace-Id':
      'Self=1-2-3;Root=1-65f1a2b3-0123456789abcdef01234567;Parent=00f067aa0ba902b7;Sampled=1;Lineage=1:a87bd80c:0',
  });
});

test('a header without Parent gets one', () => {
  const rootOnly = { xrayHeader: 'Root=1-65f1a2b3-0123456789abcdef01234567;Lineage=1:a:0', isSampledForXray: true };
  assert.deepEqual(inject(rootOnly, withSpanContext), {
    'X-Amzn-Trace-Id': 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=00f067aa0ba902b7;Lineage=1:a:0',
  });
});

test('spans without documents in X-Ray are no parents there: the header goes on as it came', () => {
  assert.deepEqual(inject({ ...sampled, isSampledForXray: false }, withSpanContext), { 'X-Amzn-Trace-Id': RECEIVED });
});

test('without a valid span the header goes on as it came', () => {
  const invalid = trace.setSpanContext(ROOT_CONTEXT, { ...SPAN, spanId: '0'.repeat(16) });
  assert.deepEqual(inject(sampled, ROOT_CONTEXT), { 'X-Amzn-Trace-Id': RECEIVED });
  assert.deepEqual(inject(sampled, invalid), { 'X-Amzn-Trace-Id': RECEIVED });
});

test('no header is made up', () => {
  assert.deepEqual(inject(undefined, withSpanContext), {});
  assert.deepEqual(inject({ xrayHeader: undefined, isSampledForXray: false }, withSpanContext), {});
  assert.deepEqual(inject({ xrayHeader: 'garbage', isSampledForXray: true }, withSpanContext), {});
});

test('calls of our own exporters stay untouched', () => {
  assert.deepEqual(inject(sampled, suppressTracing(withSpanContext)), {});
});

test('a header of the user’s is theirs, in whatever letter case', () => {
  for (const name of ['X-Amzn-Trace-Id', 'x-amzn-trace-id', 'X-AMZN-TRACE-ID']) {
    assert.deepEqual(inject(sampled, withSpanContext, { [name]: 'mine' }), { [name]: 'mine' });
  }
});

test('what comes in is not read here', () => {
  const propagator = new XrayPropagator(() => sampled);
  assert.equal(propagator.extract(withSpanContext), withSpanContext);
  assert.deepEqual(propagator.fields(), ['X-Amzn-Trace-Id']);
});

test('a carrier that is no object is left alone', () => {
  const calls: unknown[] = [];
  const setter = { set: (...args: unknown[]) => calls.push(args) };
  new XrayPropagator(() => sampled).inject(withSpanContext, undefined, setter);
  assert.equal(calls.length, 1, 'setting is the setter’s business');
});
