import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSpanContextValid } from '@opentelemetry/api';
import { createSpanId, createTraceId } from '../../instrumentation/ids.ts';
import { parseTraceHeader, rootOf } from '../../instrumentation/trace-header.ts';
import { evaluateAnew } from '../support/evaluated-anew.ts';

test('ids are valid in OpenTelemetry and X-Ray alike, and no two are the same', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const spanId = createSpanId();
    const traceId = createTraceId();
    assert.match(spanId, /^[0-9a-f]{16}$/);
    assert.match(traceId, /^[0-9a-f]{32}$/);
    assert.ok(isSpanContextValid({ traceId, spanId, traceFlags: 1 }));
    assert.equal(parseTraceHeader(`Root=${rootOf(traceId)};Parent=${spanId}`)?.traceId, traceId);
    seen.add(spanId).add(traceId);
  }
  assert.equal(seen.size, 4000);
});

test('a trace id begins with the epoch second', () => {
  const before = Math.floor(Date.now() / 1000);
  const second = Number.parseInt(createTraceId().slice(0, 8), 16);
  assert.ok(second >= before && second <= Math.floor(Date.now() / 1000));
});

test('a generator at its ends gives valid ids too', async (t) => {
  for (const [value, spanId, rest] of [
    [0, '0000000000000001', '000000000000000000000001'],
    [1 - Number.EPSILON / 2, 'ffffffffffffffff', 'ffffffffffffffffffffffff'],
  ] as const) {
    t.mock.method(Math, 'random', () => value);
    const ids = await evaluateAnew<typeof import('../../instrumentation/ids.ts')>('instrumentation/ids.ts');
    t.mock.restoreAll();
    assert.equal(ids.createSpanId(), spanId);
    assert.equal(ids.createTraceId().slice(8), rest);
  }
});
