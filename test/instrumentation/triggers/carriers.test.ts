// Where a context may lie: layers, byte arrays, Datadog's carrier, spellings.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesCarrier,
  datadogCarrier,
  fieldsCarrier,
  headerCarrier,
  layeredCarrier,
} from '../../../instrumentation/triggers/carriers.ts';
import type { Loose } from '../../../instrumentation/triggers/event-fields.ts';
import { HeaderView } from '../../../instrumentation/triggers/header-view.ts';
import type { Reading } from '../../../instrumentation/triggers/row.ts';
import { defaultTriggerOptions } from '../../../instrumentation/triggers/trigger.ts';

function carrierOf(fields: object) {
  return fieldsCarrier(fields as Loose);
}

function reading(readsDatadog: boolean): Reading {
  const parse: Reading['parse'] = (json) => {
    const isObject = typeof json === 'string' && /^\{.*\}$/.test(json);
    return isObject ? JSON.parse(json) : undefined;
  };
  return { options: { ...defaultTriggerOptions, readsDatadog }, parse } as Reading;
}

test('headers of one format come from one layer', () => {
  const layers = layeredCarrier(
    undefined,
    carrierOf({ tracestate: 'orphan', 'x-b3-sampled': '1', baggage: 'a=1' }),
    carrierOf({ traceparent: 'second', 'x-b3-traceid': 't', 'x-b3-spanid': 's', baggage: 'b=2' }),
    carrierOf({ traceparent: 'third', tracestate: 'third', 'x-amzn-trace-id': 'Root=1' }),
  );
  assert.equal(layers?.get('traceparent'), 'second');
  assert.equal(layers?.get('tracestate'), undefined);
  assert.equal(layers?.get('x-b3-spanid'), 's');
  assert.equal(layers?.get('x-b3-sampled'), undefined);
  assert.equal(layers?.get('baggage'), 'a=1');
  assert.equal(layers?.get('x-amzn-trace-id'), 'Root=1');
  assert.equal(layeredCarrier(undefined, undefined), undefined);
});

test('an X-Ray header is found under all names it goes by', () => {
  for (const name of ['x-amzn-trace-id', 'X-Amzn-Trace-Id', 'X-AMZN-TRACE-ID', 'AWSTraceHeader', '_X_AMZN_TRACE_ID']) {
    assert.equal(carrierOf({ [name]: 'Root=1;Lineage=a:0' })?.get('x-amzn-trace-id'), 'Root=1;Lineage=a:0');
  }
});

test('bytes are read as UTF-8, signed ones too, and the last of a name counts', () => {
  const headers = [{ b3: [48] }, { other: [49] }, { B3: [-61, -92] }];
  assert.equal(bytesCarrier(headers)?.get('b3'), 'ä');
  assert.equal(bytesCarrier({ a: { bytes: [52, 50] }, b: 'text', c: 7, d: {} })?.get('a'), '42');
  assert.equal(bytesCarrier({ b: 'text' })?.get('b'), 'text');
  for (const junk of [{ c: 7 }, { c: {} }, { c: [] }, { c: { bytes: 'text' } }]) {
    const value = bytesCarrier(junk)?.get('c');
    assert.ok(value === undefined || value === 'text');
  }
  assert.equal(bytesCarrier('text')?.get('t'), undefined);
  assert.equal(bytesCarrier(new Array(1000).fill({ x: [48] }))?.get('y'), undefined);
});

test("Datadog's carrier is opened only when that is wanted, in each of its forms", () => {
  const content = { 'x-datadog-trace-id': '7', traceparent: 'tp' };
  const json = JSON.stringify(content);
  for (const value of [content, json, Buffer.from(json).toString('base64')]) {
    assert.equal(datadogCarrier(value, reading(true))?.get('x-datadog-trace-id'), '7');
    assert.equal(datadogCarrier(value, reading(false)), undefined);
  }
  for (const junk of [undefined, null, 7, '', '{', '[]', 'AAAA', []]) {
    assert.equal(datadogCarrier(junk, reading(true))?.get('traceparent'), undefined);
  }
});

test('a lone header stands only for itself', () => {
  assert.equal(headerCarrier('traceparent', 'x')?.get('traceparent'), 'x');
  assert.equal(headerCarrier('traceparent', 'x')?.get('tracestate'), undefined);
  assert.equal(headerCarrier('traceparent', 7), undefined);
});

test('of a header that stands in both maps the list counts, unless it is empty', () => {
  const view = new HeaderView(
    { Traceparent: 'single', Host: 'single' } as unknown as Loose,
    { traceparent: [], host: ['listed'] } as unknown as Loose,
    true,
  );
  assert.deepEqual([view.get('traceparent'), view.get('host')], ['single', 'listed']);
});
