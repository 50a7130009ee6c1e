// A caller's baggage: handed on verbatim, parsed by OpenTelemetry's own propagator, and only when somebody asks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Baggage, defaultTextMapGetter, ROOT_CONTEXT as OFFICIAL_ROOT, propagation } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import { ROOT_CONTEXT } from '../../instrumentation/active-context.ts';
import { parseBaggage, withBaggage } from '../../instrumentation/baggage.ts';
import { baggageOf } from '../../instrumentation/outgoing/propagation.ts';
import { fc } from '../support/property.ts';

const propagator = new W3CBaggagePropagator();
const parse = (text: string): Baggage | undefined => parseBaggage(text, () => propagator);
const official = (baggage: string): Baggage | undefined =>
  propagation.getBaggage(propagator.extract(OFFICIAL_ROOT, { baggage }, defaultTextMapGetter));
const received = (text: string): Baggage | undefined => propagation.getBaggage(withBaggage(ROOT_CONTEXT, text, parse));

test('the text goes on as it came, and nobody parses it for that', () => {
  const text = ' tenant = acme ;p=1, user%20id=42,,';
  const context = withBaggage(ROOT_CONTEXT, text, () => assert.fail('parsed'));
  assert.equal(baggageOf(context), text);
});

test('user code finds in it what OpenTelemetry’s propagator finds, for any text', () => {
  const part = fc.oneof(
    fc.constantFrom('tenant=acme', 'user%20id=4%2C2', 'a=b;meta=1', 'broken', '=', ' x = y ', 'a=1=2', '%zz=1'),
    fc.string({ unit: fc.constantFrom(...'ab=;, %'), maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const text = parts.join();
      if (text === '') return;
      const expected = official(text)?.getAllEntries() ?? [];
      const entries = received(text)?.getAllEntries() ?? [];
      const plain = (all: typeof entries) =>
        all.map(([key, { value, metadata }]) => [key, value, metadata?.toString()]);
      assert.deepEqual(plain(entries), plain(expected));
    }),
  );
});

test('changed by user code it goes on as changed', () => {
  const baggage = received('tenant=acme,user=42');
  assert.equal(baggage?.getEntry('user')?.value, '42');
  const key = propagation.setBaggage(ROOT_CONTEXT, baggage.setEntry('region', { value: 'eu west' }));
  assert.equal(baggageOf(key), 'tenant=acme,user=42,region=eu%20west');
  assert.equal(baggageOf(propagation.setBaggage(ROOT_CONTEXT, baggage.removeEntry('tenant'))), 'user=42');
  assert.equal(baggageOf(propagation.setBaggage(ROOT_CONTEXT, baggage.removeEntries('tenant', 'user'))), '');
  assert.equal(baggageOf(propagation.setBaggage(ROOT_CONTEXT, baggage.clear())), '');
});

test('what cannot stand in a header is no baggage', () => {
  for (const text of [undefined, '', 'a=b\r\nx-injected: 1', 'a=\u00e4', 'a=b\0', `a=${'x'.repeat(8192)}`]) {
    assert.equal(withBaggage(ROOT_CONTEXT, text, parse), ROOT_CONTEXT, JSON.stringify(text?.slice(0, 20)));
  }
});

test('where OpenTelemetry cannot be loaded the text still goes on', () => {
  const broken = (text: string) =>
    parseBaggage(text, () => {
      throw new Error('no such file');
    });
  const context = withBaggage(ROOT_CONTEXT, 'tenant=acme', broken);
  const baggage = propagation.getBaggage(context);
  assert.deepEqual(baggage?.getAllEntries(), []);
  assert.equal(baggage.getEntry('tenant'), undefined);
  assert.equal(baggage.setEntry('a', { value: 'b' }), baggage);
  assert.equal(baggageOf(context), 'tenant=acme');
});
