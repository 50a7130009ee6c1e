// B3 and Datadog headers: what is read, and what the sender has decided.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTextMapSetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { createForeignReader } from '../../instrumentation/foreign-contexts.ts';
import type { ContextFormat, RemoteContext } from '../../instrumentation/parent.ts';
import { fc } from '../support/property.ts';

type Headers = Readonly<Record<string, string>>;
const read = (headers: Headers, ...formats: ContextFormat[]): RemoteContext | undefined =>
  createForeignReader(new Set(formats))?.({ get: (name) => headers[name] });

const TRACE = '80f198ee56343ba864fe8b2a57d3eff7';
const SPAN = 'e457b5a2e4d86bd1';

test('nothing foreign is wanted: there is no reader', () => {
  assert.equal(createForeignReader(new Set<ContextFormat>(['tracecontext', 'baggage', 'xray'])), undefined);
});

for (const [what, headers, isSampled] of [
  ['single, sampled', { b3: `${TRACE}-${SPAN}-1` }, true],
  ['single, not sampled', { b3: `${TRACE}-${SPAN}-0` }, false],
  ['single, debug', { b3: `${TRACE}-${SPAN}-d-05e3ac9a4f6e3b90` }, true],
  ['single, undecided', { b3: `${TRACE}-${SPAN}` }, undefined],
  ['multi, sampled', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' }, true],
  ['multi, not sampled', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '0' }, false],
  ['multi, debug', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '1' }, true],
  ['multi, undecided', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN }, undefined],
  ['multi, not debug, undecided', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '0' }, undefined],
] as const) {
  test(`B3, ${what}`, () => {
    // Either name enables both forms: which one a caller sends is not the function's choice.
    for (const format of ['b3', 'b3multi'] as const) {
      const found = read(headers, format);
      assert.deepEqual(found?.context, {
        traceId: TRACE,
        spanId: SPAN,
        traceFlags: isSampled === true ? 1 : 0,
        isRemote: true,
      });
      assert.equal(found.isSampled, isSampled);
    }
    assert.equal(read(headers, 'datadog'), undefined);
  });
}

test('B3 ids of 64 bits are padded; a decision alone, and garbage, are no context', () => {
  assert.equal(read({ b3: `${SPAN}-${SPAN}-1` }, 'b3')?.context.traceId, `0000000000000000${SPAN}`);
  for (const headers of [
    { b3: '0' },
    { b3: 'd' },
    { b3: 'x' },
    { 'x-b3-traceid': TRACE },
    { 'x-b3-sampled': '1' },
    {},
  ]) {
    assert.equal(read(headers as Headers, 'b3'), undefined, JSON.stringify(headers));
  }
});

test('what OpenTelemetry’s propagator writes is read again', () => {
  const hex = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), fc.boolean(), (traceId, spanId, isSampled, isSingle) => {
      fc.pre(!/^0+$/.test(traceId) && !/^0+$/.test(spanId));
      const encoding = isSingle ? B3InjectEncoding.SINGLE_HEADER : B3InjectEncoding.MULTI_HEADER;
      const headers: Record<string, string> = {};
      const context = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: isSampled ? 1 : 0 });
      new B3Propagator({ injectEncoding: encoding }).inject(context, headers, defaultTextMapSetter);
      const found = read(headers, 'b3');
      assert.deepEqual([found?.context.traceId, found?.context.spanId, found?.isSampled], [traceId, spanId, isSampled]);
    }),
  );
});

const datadog = (changes: Headers = {}): Headers => ({
  'x-datadog-trace-id': '4611686018427387905',
  'x-datadog-parent-id': '255',
  'x-datadog-sampling-priority': '1',
  'x-datadog-tags': '_dd.p.dm=-1,_dd.p.tid=65f1a2b300000000',
  ...changes,
});

test('Datadog: decimal ids, the upper half of the trace id among the tags', () => {
  assert.deepEqual(read(datadog(), 'datadog'), {
    context: {
      traceId: '65f1a2b3000000004000000000000001',
      spanId: '00000000000000ff',
      traceFlags: 1,
      isRemote: true,
    },
    isSampled: true,
  });
  assert.equal(read(datadog(), 'b3'), undefined);
  const without = read(datadog({ 'x-datadog-tags': '_dd.p.tid=short' }), 'datadog');
  assert.equal(without?.context.traceId, '00000000000000004000000000000001');
});

test('Datadog: above zero is sampled, the rest is not, nothing is undecided', () => {
  for (const [priority, isSampled] of [
    ['2', true],
    ['1', true],
    ['0', false],
    ['-1', false],
    ['auto', undefined],
  ] as const) {
    assert.equal(read(datadog({ 'x-datadog-sampling-priority': priority }), 'datadog')?.isSampled, isSampled, priority);
  }
  const { 'x-datadog-sampling-priority': _, ...silent } = datadog();
  assert.equal(read(silent, 'datadog')?.isSampled, undefined);
});

test('Datadog: numbers that are none, zero or too large are no context', () => {
  for (const id of ['', '0', '-1', '0x10', '18446744073709551616', '99999999999999999999', '1e5', ' 1']) {
    assert.equal(read(datadog({ 'x-datadog-trace-id': id }), 'datadog'), undefined, id);
    assert.equal(read(datadog({ 'x-datadog-parent-id': id }), 'datadog'), undefined, id);
  }
  assert.equal(
    read(datadog({ 'x-datadog-trace-id': '18446744073709551615' }), 'datadog')?.context.traceId.slice(16),
    'f'.repeat(16),
  );
});
