import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '@opentelemetry/api';
import { buildSpan, kinds, START, TRACE_ID } from '../../span-builder.ts';
import { draw, drawOne, placement } from './drawing.ts';

const INDEXED = (...indexedAttributes: string[]) => ({ annotations: { indexedAttributes, keepsDots: false } });
const ALL = { annotations: { indexedAttributes: 'all', keepsDots: false } } as const;

test('attributes nobody takes are metadata by default', () => {
  const drawn = drawOne({ attributes: { 'attr1@1': 'val1', 'attr2@2': 2 } });
  assert.equal(drawn.annotations, undefined);
  assert.deepEqual(drawn.metadata, { default: { 'attr1@1': 'val1', 'attr2@2': 2 } });
});

test('attributes named by the setting are annotations', () => {
  const drawn = drawOne({ attributes: { 'attr1@1': 'val1', 'attr2@2': 'val2' } }, INDEXED('attr1@1', 'absent'));
  assert.deepEqual(drawn.annotations, { attr1_1: 'val1' });
  assert.deepEqual(drawn.metadata, { default: { 'attr2@2': 'val2' } });
});

test('attributes named by the span are annotations, and the list is gone', () => {
  const drawn = drawOne({ attributes: { 'aws.xray.annotations': ['a', 'b', 'none'], a: 'x', b: true, c: 1.5 } });
  assert.deepEqual(drawn.annotations, { a: 'x', b: true });
  assert.deepEqual(drawn.metadata, { default: { c: 1.5 } });
});

test('a single name works like a list', () => {
  assert.deepEqual(drawOne({ attributes: { 'aws.xray.annotations': 'a', a: 0 } }).annotations, { a: 0 });
});

test('all attributes can be annotations, but not what a block took nor JSON for the metadata', () => {
  const drawn = drawOne(
    { attributes: { a: 'x', 'b.c': 2, list: [1, 2], 'http.status_code': 200, 'aws.xray.metadata.ns': '{"k":1}' } },
    ALL,
  );
  assert.deepEqual(drawn.annotations, { a: 'x', b_c: 2 });
  assert.deepEqual(drawn.metadata, { default: { list: [1, 2] }, ns: { k: 1 } });
});

test('what a block took is an annotation too when it is asked for', () => {
  const drawn = drawOne({ attributes: { 'http.status_code': 200 } }, INDEXED('http.status_code'));
  assert.deepEqual(drawn.annotations, { http_status_code: 200 });
  assert.deepEqual(drawn.http, { response: { status: 200 } });
});

test('what cannot be an annotation stays metadata', () => {
  const attributes = { 'aws.xray.annotations': ['list', 'nan', 'big', 'none'], list: ['a'], nan: Number.NaN, big: 7n };
  const drawn = drawOne({ attributes });
  assert.equal(drawn.annotations, undefined);
  assert.deepEqual(drawn.metadata, { default: { list: ['a'], big: '7' } });
});

test('annotation keys: refused characters become _, dots by setting, the last of two equal ones wins', () => {
  const attributes = { 'aws.xray.annotations': ['Key@1', 'Key#1', 'ä', 'a.b'], 'Key@1': 1, 'Key#1': 2, ä: 3, 'a.b': 4 };
  assert.deepEqual(drawOne({ attributes }).annotations, { Key_1: 2, _: 3, a_b: 4 });
  const trees = { annotations: { indexedAttributes: [], keepsDots: true } };
  assert.throws(() => drawOne({ attributes }, trees), /a\.b/, 'the validator still refuses dots');
  assert.equal(drawOne({ attributes: { [`k${'x'.repeat(600)}`]: 1 } }, ALL).annotations?.[`k${'x'.repeat(499)}`], 1);
});

test('annotation texts are cut at 1000 characters, and the fifty-first goes to the metadata', () => {
  const attributes: Record<string, unknown> = { long: 'x'.repeat(1500) };
  for (let index = 0; index < 60; index += 1) attributes[`k${index}`] = index;
  const drawn = drawOne({ attributes }, ALL);
  assert.equal(String(drawn.annotations?.long).length, 1000);
  assert.equal(Object.keys(drawn.annotations!).length, 50);
  assert.equal(Object.keys(drawn.metadata!.default!).length, 11);
});

test('metadata namespaces of the user: parsed, merged, raw when they are no object', () => {
  const drawn = drawOne({
    attributes: {
      'aws.xray.metadata.cart': '{"items":[1,2],"deep":{"a":null}}',
      'aws.xray.metadata.default': '{"from":"text"}',
      'aws.xray.metadata.broken': '{',
      'aws.xray.metadata.list': '[1]',
      'aws.xray.metadata.AWS.x': '{"AWS.k":1}',
      plain: 'x',
    },
  });
  assert.deepEqual(drawn.metadata, {
    cart: { items: [1, 2], deep: { a: null } },
    default: {
      from: 'text',
      'aws.xray.metadata.broken': '{',
      'aws.xray.metadata.list': '[1]',
      plain: 'x',
    },
    '_AWS.x': { '_AWS.k': 1 },
  });
});

test('metadata values that JSON would spoil', () => {
  const circle: Record<string, unknown> = { name: 'circle' };
  circle.self = circle;
  const hostile = {
    get value(): never {
      throw new Error('no');
    },
  };
  const { metadata } = drawOne({
    attributes: {
      nan: Number.NaN,
      infinite: Number.POSITIVE_INFINITY,
      list: [1, Number.NaN, 2n],
      big: 2n ** 70n,
      circle,
      hostile,
      bytes: new Uint8Array([1, 2, 3]),
      date: new Date(0),
      nothing: null,
      missing: undefined,
      symbol: Symbol('s'),
      'AWS.reserved': 1,
      __proto__x: 1,
      constructor: 'c',
    },
  });
  assert.deepEqual(metadata, {
    default: {
      list: [1, 'NaN', '2'],
      big: '1180591620717411303424',
      circle: { name: 'circle', self: '[circular]' },
      hostile: '[unreadable]',
      bytes: 'AQID',
      date: '1970-01-01T00:00:00.000Z',
      symbol: 'Symbol(s)',
      '_AWS.reserved': 1,
      __proto__x: 1,
      constructor: 'c',
    },
  });
});

test('a key of the name __proto__ is a key like any other', () => {
  const attributes = JSON.parse('{"__proto__":"x","aws.xray.metadata.__proto__":"{\\"a\\":1}"}') as Record<
    string,
    unknown
  >;
  const { texts } = draw([buildSpan({ attributes })]);
  assert.ok(texts[0]!.includes('"metadata":{"default":{"__proto__":"x"},"__proto__":{"a":1}}'), texts[0]);
});

test('events but exceptions are metadata, twenty of them', () => {
  const events = Array.from({ length: 25 }, (_, index) => ({
    name: `e${index}`,
    time: START,
    attributes: index === 0 ? { key: 'k', odd: Number.NaN } : {},
  }));
  const { metadata, cause } = drawOne({ events: [...events, { name: 'exception', attributes: {} }] });
  assert.ok(cause !== undefined);
  assert.equal(Object.keys(metadata!.events!).length, 21);
  assert.deepEqual(metadata!.events![0], { name: 'e0', time: 1710334643.120001, attributes: { key: 'k' } });
  assert.deepEqual(metadata!.events![19], { name: 'e19', time: 1710334643.120001 });
  assert.equal(metadata!.events!.dropped, 5);
});

test('names of events that JSON cannot carry', () => {
  const around: { name?: unknown } = {};
  around.name = around;
  const names: readonly unknown[] = [10n, around];
  const { metadata } = drawOne({
    attributes: { kept: 'yes' },
    events: names.map((name) => ({ name: name as string })),
  });
  const time = 1710334643.120001;
  assert.deepEqual(metadata, {
    default: { kept: 'yes' },
    events: { 0: { name: '10', time }, 1: { name: { name: '[circular]' }, time } },
  });
});

test('links are metadata in the X-Ray form', () => {
  const context = { traceId: TRACE_ID, spanId: 'cc00000000000001', traceFlags: 1 };
  const { metadata } = drawOne({ links: [{ context, attributes: { 'messaging.message.id': 'M' } }, { context }] });
  const link = { trace_id: '1-65f1a2b3-0123456789abcdef01234567', id: 'cc00000000000001' };
  assert.deepEqual(metadata, { links: { 0: { ...link, attributes: { 'messaging.message.id': 'M' } }, 1: link } });
});

test('links that lead nowhere are dropped, and counted', () => {
  const context = { traceId: TRACE_ID, spanId: 'cc00000000000001', traceFlags: 1 };
  const nowhere: readonly unknown[] = [undefined, null, {}, { context: null }, { context: { traceId: 5, spanId: 6n } }];
  const { metadata } = drawOne({ attributes: { kept: 'yes' }, links: [...(nowhere as Link[]), { context }] });
  assert.deepEqual(metadata, {
    default: { kept: 'yes' },
    links: { 0: { trace_id: '1-65f1a2b3-0123456789abcdef01234567', id: 'cc00000000000001' } },
    spanstrap: { dropped_links: nowhere.length },
  });
});

test('attributes of the resource are no part of a subsegment, nor is a user', () => {
  const drawn = drawOne(
    { kind: kinds.SERVER, attributes: { 'enduser.id': 'jo' }, resource: { 'otel.resource.x': 1, 'service.name': 's' } },
    INDEXED('otel.resource.x'),
  );
  assert.equal(drawn.annotations, undefined);
  assert.deepEqual(drawn.metadata, { default: { 'enduser.id': 'jo' } });
});

test('the Invocation names the tracer', () => {
  const resource = {
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '3.1.1',
    'telemetry.distro.name': 'spanstrap',
    'telemetry.distro.version': '0.1.0',
  };
  const drawn = drawOne({ id: placement.invocationSpanId, name: 'Invocation', resource });
  assert.deepEqual(drawn.metadata, {
    runtime: {
      sdk: 'opentelemetry',
      sdk_version: '3.1.1',
      distribution: 'spanstrap',
      distribution_version: '0.1.0',
    },
  });
  assert.equal(drawOne({ name: 'Overhead', resource }).metadata, undefined);
});

test('over its cap the metadata loses its largest values first, and says how much', () => {
  const attributes = { small: 'kept', large: 'x'.repeat(3000), larger: 'é'.repeat(3000), list: Array(2000).fill(1) };
  const { metadata } = drawOne({ attributes });
  assert.deepEqual(metadata, {
    default: {
      small: 'kept',
      large: 'x'.repeat(3000),
      larger: '[dropped: 6000 bytes]',
      list: '[dropped: 4001 bytes]',
    },
  });
});

test('over its cap by small values alone the metadata loses the last keys, and counts them', () => {
  const attributes = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key-${index}`, 'small value']));
  const { metadata } = drawOne({ attributes });
  const kept = Object.keys(metadata!.default!).length;
  assert.ok(Buffer.byteLength(JSON.stringify(metadata)) <= 4096);
  assert.ok(kept > 100, `${kept} keys`);
  assert.deepEqual(metadata!.spanstrap, { dropped_keys: 500 - kept });
  assert.equal(metadata!.default!['key-0'], 'small value');
});

test('a megabyte of text is dropped without being serialised', () => {
  const { metadata } = drawOne({
    attributes: { huge: 'x'.repeat(1_000_000), 'aws.xray.metadata.n': ' '.repeat(5000) },
  });
  assert.deepEqual(metadata, {
    default: { huge: '[dropped: 1000000 bytes]', 'aws.xray.metadata.n': '[dropped: 5000 bytes]' },
  });
});

test('depth beyond sixteen levels is cut', () => {
  let value: unknown = 'bottom';
  for (let level = 0; level < 20; level += 1) value = { value };
  const text = JSON.stringify(drawOne({ attributes: { value } }).metadata);
  assert.equal(text.split('{').length - 1, 2 + 16);
  assert.ok(text.includes('[too deep]'));
});

test('what was lost before is marked', () => {
  assert.deepEqual(drawOne({ droppedAttributesCount: 3 }).metadata, { spanstrap: { dropped_attributes: 3 } });
});
