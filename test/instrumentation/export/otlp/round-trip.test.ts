// Any span, encoded by what the exporters send and decoded by a descriptor of our own over protobufjs, says what it said before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HrTime, SpanContext, TraceState } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Clock } from '../../../../instrumentation/clock.ts';
import type { Exporter } from '../../../../instrumentation/export/exporter.ts';
import { createOtlpJsonExporter } from '../../../../instrumentation/export/otlp/json-exporter.ts';
import { RecordedSpan } from '../../../../instrumentation/recorded-span.ts';
import {
  decodeProtobufTraces,
  type OtlpAttribute,
  type OtlpSpan,
  type OtlpTraces,
  type OtlpValue,
} from '../../../../local/sinks/otlp-messages.ts';
import { openOtlpSink } from '../../../../local/sinks/otlp-sink.ts';
import { fc } from '../../../support/property.ts';
import { ordersResource } from '../../orders-resource.ts';
import { buildSpan } from '../../span-builder.ts';

type Values = Readonly<Record<string, unknown>>;

const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''))
    .filter((text) => !/^0+$/.test(text));

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '☂', '\ud800x'),
);

const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300, 2 ** 63, -(2 ** 63), 0.1),
);

const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
})).value;

const attributes = fc.dictionary(
  text.filter((key) => key !== '__proto__'),
  value,
  { maxKeys: 6 },
);
const time: fc.Arbitrary<HrTime> = fc.tuple(
  fc.integer({ min: 0, max: 2 ** 33 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
const count = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const traceState = fc.option(
  fc.stringMatching(/^[a-z]{1,5}=[a-z0-9]{1,5}$/).map((entry) => ({ serialize: () => entry }) as TraceState),
  { nil: undefined },
);
const context = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags: fc.integer({ min: 0, max: 255 }),
  isRemote: fc.boolean(),
  traceState,
});

const span: fc.Arbitrary<ReadableSpan> = fc
  .record({
    context,
    parent: fc.option(context, { nil: undefined }),
    name: text,
    kind: fc.integer({ min: 0, max: 4 }),
    startTime: time,
    endTime: time,
    attributes,
    events: fc.array(fc.record({ name: text, time, attributes, droppedAttributesCount: count }), { maxLength: 3 }),
    links: fc.array(fc.record({ context, attributes, droppedAttributesCount: count }), { maxLength: 3 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: fc.option(text, { nil: undefined }) }),
    droppedAttributesCount: count,
    droppedEventsCount: count,
    droppedLinksCount: count,
  })
  .map(
    ({ context: own, parent, ...rest }) =>
      ({
        ...rest,
        spanContext: () => own,
        ...(parent && { parentSpanContext: parent }),
        duration: [0, 0],
        ended: true,
        resource: RESOURCE,
        instrumentationScope: SCOPE,
      }) as unknown as ReadableSpan,
  );

const RESOURCE = { attributes: { 'service.name': 'orders', 'faas.max_memory': 134_217_728, list: ['a'] } };
const SCOPE = { name: 'test', version: '1' };
const spans = fc.uniqueArray(span, { minLength: 1, maxLength: 6, selector: (one) => one.spanContext().spanId });

/** Lone surrogates are no Unicode: encoders put U+FFFD in their place. */
const unicode = (some: string): string => some.toWellFormed();

function expectedValue(some: unknown): OtlpValue {
  if (typeof some === 'string') return { stringValue: unicode(some) };
  if (typeof some === 'boolean') return { boolValue: some };
  if (typeof some === 'number') {
    const isInt64 = Number.isInteger(some) && some >= -(2 ** 63) && some < 2 ** 63;
    return isInt64 ? { intValue: String(BigInt(some)) } : { doubleValue: some };
  }
  if (some instanceof Uint8Array) return { bytesValue: Buffer.from(some).toString('base64') };
  if (Array.isArray(some)) return { arrayValue: { values: some.map(expectedValue) } };
  if (some === null) return {};
  return { kvlistValue: { values: expectedAttributes(some as Values) } };
}

const expectedAttributes = (some: Values): OtlpAttribute[] =>
  Object.entries(some).map(([key, item]) => ({ key: unicode(key), value: expectedValue(item) }));

const nanos = ([seconds, rest]: HrTime): string => String(BigInt(seconds) * 1_000_000_000n + BigInt(rest));
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
const flags = (traceFlags: number, isRemote: boolean | undefined): number =>
  traceFlags | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);

function expectedSpan(one: ReadableSpan): OtlpSpan {
  const own = one.spanContext();
  const parent = one.parentSpanContext;
  return {
    traceId: own.traceId,
    spanId: own.spanId,
    ...(own.traceState && { traceState: own.traceState.serialize() }),
    ...(parent && { parentSpanId: parent.spanId }),
    name: unicode(one.name),
    kind: one.kind + 1,
    startTimeUnixNano: nanos(one.startTime),
    endTimeUnixNano: nanos(one.endTime),
    attributes: expectedAttributes(one.attributes),
    droppedAttributesCount: one.droppedAttributesCount,
    events: one.events.map((event) => ({
      timeUnixNano: nanos(event.time),
      name: unicode(event.name),
      attributes: expectedAttributes(event.attributes ?? {}),
      droppedAttributesCount: event.droppedAttributesCount ?? 0,
    })),
    droppedEventsCount: one.droppedEventsCount,
    links: one.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      ...(link.context.traceState && { traceState: link.context.traceState.serialize() }),
      attributes: expectedAttributes(link.attributes ?? {}),
      droppedAttributesCount: link.droppedAttributesCount ?? 0,
      flags: flags(link.context.traceFlags, link.context.isRemote),
    })),
    droppedLinksCount: one.droppedLinksCount,
    status: { code: one.status.code, ...(one.status.message && { message: unicode(one.status.message) }) },
    flags: flags(own.traceFlags, parent?.isRemote),
  };
}

/** Without the fields that say what their absence says (proto3): empty texts and lists, zeros. In a value they are the value. */
function normalized(some: unknown): unknown {
  if (Array.isArray(some)) return some.map(normalized);
  if (typeof some !== 'object' || some === null) return some;
  const isEmpty = (key: string, item: unknown): boolean =>
    !key.endsWith('Value') && (item === '' || item === 0 || item === '0' || (Array.isArray(item) && item.length === 0));
  return Object.fromEntries(
    Object.entries(some)
      .filter(([key, item]) => !isEmpty(key, item))
      .map(([key, item]) => [key, normalized(item)]),
  );
}

function assertSame(found: OtlpTraces, given: readonly ReadableSpan[], expect = expectedSpan): void {
  const [resourceSpans, ...others] = found.resourceSpans;
  assert.equal(others.length, 0);
  assert.deepEqual(normalized(resourceSpans?.resource?.attributes), expectedAttributes(RESOURCE.attributes));
  const decoded = resourceSpans!.scopeSpans.flatMap((scope) => scope.spans);
  assert.deepEqual(
    decoded.map(normalized),
    given.map((one) => normalized(expect(one))),
  );
}

test('protobuf: any spans', () => {
  fc.assert(
    fc.property(spans, (given) => {
      assertSame(decodeProtobufTraces(ProtobufTraceSerializer.serializeRequest([...given])!), given);
    }),
    { numRuns: 400 },
  );
});

/** In JSON, numbers that a receiver would refuse are texts; integers are numbers; texts keep what protobuf cannot have. */
function expectedJsonValue(some: OtlpValue): OtlpValue {
  const { intValue, doubleValue, arrayValue, kvlistValue } = some;
  if (intValue !== undefined) {
    const isSafe = Number.isSafeInteger(Number(intValue));
    return isSafe
      ? ({ intValue: Number(intValue) } as unknown as OtlpValue)
      : { stringValue: String(Number(intValue)) };
  }
  if (doubleValue !== undefined) {
    const isHazardous = !Number.isFinite(doubleValue) || Number.isInteger(doubleValue);
    return isHazardous ? { stringValue: String(doubleValue) } : some;
  }
  if (arrayValue !== undefined) return { arrayValue: { values: (arrayValue.values ?? []).map(expectedJsonValue) } };
  if (kvlistValue !== undefined)
    return { kvlistValue: { values: (kvlistValue.values ?? []).map(expectedJsonAttribute) } };
  return some;
}
const expectedJsonAttribute = ({ key, value: item }: OtlpAttribute): OtlpAttribute => ({
  key,
  value: expectedJsonValue(item),
});

function expectedJsonSpan(one: ReadableSpan): OtlpSpan {
  const expected = expectedSpan(one);
  const all = (some: readonly OtlpAttribute[] = []): OtlpAttribute[] => some.map(expectedJsonAttribute);
  return {
    ...expected,
    attributes: all(expected.attributes),
    events: expected.events!.map((event) => ({ ...event, attributes: all(event.attributes) })),
    links: expected.links!.map((link) => ({ ...link, attributes: all(link.attributes) })),
  };
}

test('JSON: any spans, through the exporter', async () => {
  await using sink = await openOtlpSink();
  const exporter: Exporter = createOtlpJsonExporter({
    url: `${sink.url}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
  });
  await fc.assert(
    fc.asyncProperty(spans, async (given) => {
      sink.clear();
      const batch = { spans: given, xray: undefined, isSampledForOtlp: true };
      assert.equal((await exporter.export([batch], Date.now() + 10_000)).sentSpans, given.length);
      const [request] = sink.requests;
      assert.equal(request?.headers['content-type'], 'application/json');
      const found = JSON.parse(request!.body.toString(), (_key, item) =>
        typeof item === 'string' ? unicode(item) : item,
      ) as OtlpTraces;
      const decoded = found.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
      assert.deepEqual(
        decoded.map(normalized),
        given.map((one) => normalized(expectedJsonSpan(one))),
      );
    }),
    { numRuns: 200 },
  );
});

test('JSON: a span of the runtime’s own with numbers that JSON cannot carry', async () => {
  await using sink = await openOtlpSink();
  const exporter = createOtlpJsonExporter({
    url: `${sink.url}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
  });
  const clock = new Clock();
  const own = new RecordedSpan(
    { clock, resource: ordersResource(), instrumentationScope: { name: 'spanstrap', version: '0' } },
    {
      name: 'Invocation',
      kind: 0,
      spanContext: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 },
      parent: undefined,
      startedAt: clock.now(),
      attributes: {},
    },
  );
  own.setAttributes({ ratio: Number.NaN, id: 2 ** 60 });
  own.endAt(clock.now());
  const outcome = await exporter.export(
    [{ spans: [own], xray: undefined, isSampledForOtlp: true }],
    Date.now() + 10_000,
  );
  assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 0 });
  const { attributes: sent } = sink.spans[0]!;
  assert.deepEqual(sent, [
    { key: 'ratio', value: { stringValue: 'NaN' } },
    { key: 'id', value: { stringValue: String(2 ** 60) } },
  ]);
});

test('JSON: links that lead nowhere are dropped, and counted', async () => {
  await using sink = await openOtlpSink();
  const exporter = createOtlpJsonExporter({
    url: `${sink.url}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
  });
  const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  const links = [{ context: undefined as unknown as SpanContext }, { context }];
  const batch = { spans: [buildSpan({ links })], xray: undefined, isSampledForOtlp: true };
  assert.equal((await exporter.export([batch], Date.now() + 10_000)).sentSpans, 1);
  assert.equal(sink.spans[0]?.droppedLinksCount, 1);
  assert.equal(sink.spans[0]?.links?.[0]?.traceId, context.traceId);
});
