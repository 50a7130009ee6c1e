// Property: spans as bytes, and answers read, against OpenTelemetry's own serializer. Whatever spans there are, the bytes are the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes, HrTime, Link } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { decodePartialSuccess } from '../../../../instrumentation/export/otlp/protobuf-answer.ts';
import { encodeSpans } from '../../../../instrumentation/export/otlp/protobuf-spans.ts';
import { fc } from '../../../support/property.ts';
import { buildSpan } from '../../span-builder.ts';

const assertSameBytes = (spans: readonly ReadableSpan[]): void => {
  const official = ProtobufTraceSerializer.serializeRequest([...spans])!;
  assert.equal(Buffer.from(encodeSpans(spans)).toString('hex'), Buffer.from(official).toString('hex'));
};

const hexDigits = fc.constantFrom(...'0123456789abcdef');
const idOf = (length: number) => fc.string({ unit: hexDigits, minLength: length, maxLength: length });
/** Texts around the lengths at which one byte more is needed, of characters of one to four bytes and of halves of pairs. */
const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 30 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 150 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', 'é', '€', '😀', '\ud800', '\udc00x'),
        fc.constantFrom(1, 31, 42, 63, 64, 127, 128, 130, 5461, 16_383, 16_384),
      )
      .map(([character, count]) => character.repeat(count)),
  },
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(
    0,
    -0,
    127,
    128,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    -(2 ** 63) - 2048,
    -1,
    1e300,
    Number.NaN,
  ),
);
const value = fc.letrec((again) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(again('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), again('value'), { maxKeys: 4 }),
  ),
})).value;
const attributes = fc.dictionary(text, value, { maxKeys: 8 }) as fc.Arbitrary<Attributes>;
const count = fc.oneof(fc.constant(0), fc.nat());
const time: fc.Arbitrary<HrTime> = fc.tuple(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
const traceState = fc
  .option(fc.string({ maxLength: 60 }), { nil: undefined })
  .map((state) => (state === undefined ? undefined : { serialize: () => state }));
/** User code may link to whatever it takes for a context. */
const anyId = fc.constantFrom(0, 1, 2, 15, 253, 254, 255, 256, 257, 600).chain(idOf);
const context = fc.record({
  traceId: fc.oneof({ weight: 4, arbitrary: idOf(32) }, { weight: 1, arbitrary: anyId }),
  spanId: fc.oneof({ weight: 4, arbitrary: idOf(16) }, { weight: 1, arbitrary: anyId }),
  traceFlags: fc.integer({ min: 0, max: 255 }),
  traceState,
  isRemote: fc.constantFrom(true, false, undefined),
});
const event = fc.record({
  time,
  name: text,
  attributes: fc.option(attributes, { nil: undefined }),
  droppedAttributesCount: fc.option(count, { nil: undefined }),
});
const link = fc.record({
  context,
  attributes: fc.option(attributes, { nil: undefined }),
  droppedAttributesCount: fc.option(count, { nil: undefined }),
});
const scope = fc.record({
  name: text,
  version: fc.option(text, { nil: undefined }),
  schemaUrl: fc.option(text, { nil: undefined }),
  attributes: fc.option(attributes, { nil: undefined }),
});
const resource = fc.record({ attributes, schemaUrl: fc.option(text, { nil: undefined }) });

/** Spans of a few resources and scopes, each in no order. */
const spans = fc
  .tuple(fc.array(resource, { minLength: 1, maxLength: 2 }), fc.array(scope, { minLength: 1, maxLength: 3 }))
  .chain(([resources, scopes]) =>
    fc.array(
      fc
        .record({
          resource: fc.constantFrom(...resources),
          instrumentationScope: fc.constantFrom(...scopes),
          name: text,
          kind: fc.constantFrom(0, 1, 2, 3, 4, undefined),
          context,
          parentSpanContext: fc.option(context, { nil: undefined }),
          startTime: time,
          endTime: time,
          attributes,
          events: fc.array(event, { maxLength: 3 }),
          links: fc.array(link, { maxLength: 3 }) as fc.Arbitrary<Link[]>,
          status: fc.record({ code: fc.constantFrom(0, 1, 2), message: fc.option(text, { nil: undefined }) }),
          droppedAttributesCount: count,
          droppedEventsCount: count,
          droppedLinksCount: count,
        })
        .map(({ context: own, ...rest }) => ({ ...rest, spanContext: () => own }) as unknown as ReadableSpan),
      { maxLength: 6 },
    ),
  );

test('whatever spans there are: the bytes of the official serializer', () => {
  fc.assert(
    fc.property(spans, (all) => assertSameBytes(all)),
    { numRuns: 500 },
  );
});

test('a resource that is encoded once is encoded again when there is another, or something more in it', () => {
  const own = { 'service.name': 'shop' } as Attributes;
  const first = buildSpan({ resource: own });
  assertSameBytes([first]);
  assertSameBytes([first, buildSpan({ resource: { 'service.name': 'other' } })]);
  assertSameBytes([first]);
  own['cloud.account.id'] = '123456789012';
  assertSameBytes([first]);
});

test('messages are the caller’s: the next one leaves them alone', () => {
  const message = encodeSpans([buildSpan({ name: 'first' })]);
  const before = Buffer.from(message).toString('hex');
  encodeSpans([buildSpan({ name: 'other' })]);
  assert.equal(Buffer.from(message).toString('hex'), before);
});

test('large requests, and small ones after them', () => {
  const large = buildSpan({ attributes: { text: 'x'.repeat(3_000_000), other: '€'.repeat(100_000) } });
  assertSameBytes([large, buildSpan()]);
  assertSameBytes([buildSpan()]);
  assertSameBytes(Array.from({ length: 3000 }, () => buildSpan({ attributes: { a: 1 } })));
});

test('a span that cannot be encoded throws, and leaves nothing behind', () => {
  const bad = buildSpan({
    attributes: {
      get text(): never {
        throw new Error('not to be read');
      },
    },
  });
  assert.throws(() => encodeSpans([buildSpan(), bad]), /not to be read/);
  assertSameBytes([buildSpan()]);
});

test('links that lead nowhere are dropped, and counted', () => {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
  const nowhere: readonly unknown[] = [undefined, null, {}, { context: null }, { context: { traceId: 5, spanId: 6n } }];
  const span = buildSpan({ links: [...(nowhere as Link[]), { context }] });
  const without = { ...span, links: [{ context }], droppedLinksCount: nowhere.length };
  assert.deepEqual(encodeSpans([span]), encodeSpans([without]));
});

test('a name that is no text becomes one', () => {
  const [plain, odd] = [5, '5'].map((name) =>
    encodeSpans([buildSpan({ name: name as string, id: '5e00000000000001' })]),
  );
  assert.deepEqual(plain, odd);
});

type Read = { readonly value?: unknown; readonly isRefused: boolean };
const read = (work: () => unknown): Read => {
  try {
    return { value: work(), isRefused: false };
  } catch {
    return { isRefused: true };
  }
};

test('whatever the answer is: read as the official one reads it', () => {
  const field = fc.oneof(
    fc.tuple(fc.constantFrom(0x08, 0x10, 0x18), fc.bigInt({ min: 0n, max: 2n ** 53n })).map(([tag, n]) => {
      const bytes: number[] = [tag];
      for (let rest = n; ; rest >>= 7n) {
        bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
        if (rest <= 0x7fn) return bytes;
      }
    }),
    fc.tuple(fc.constantFrom(0x0a, 0x12, 0x1a), fc.string({ unit: 'binary', maxLength: 20 })).map(([tag, words]) => {
      const bytes = Buffer.from(words);
      return [tag, bytes.length, ...bytes];
    }),
    fc.constantFrom([0x09, 1, 2, 3, 4, 5, 6, 7, 8], [0x0d, 1, 2, 3, 4], [0x0b]),
  );
  const fields = fc.array(field, { maxLength: 4 }).map((all) => all.flat());
  const nested = fields.filter(({ length }) => length < 128).map((bytes) => [0x0a, bytes.length, ...bytes]);
  const message = fc.oneof(
    nested,
    fields,
    fc.tuple(nested, fields).map(([one, other]) => [...one, ...other]),
    fc.array(fc.nat(255), { maxLength: 20 }),
  );
  let rejecting = 0;
  fc.assert(
    fc.property(message, (bytes) => {
      const ours = read(() => decodePartialSuccess(Uint8Array.from(bytes)));
      const official = read(() => ProtobufTraceSerializer.deserializeResponse(Uint8Array.from(bytes)));
      assert.deepEqual(ours, official);
      if (JSON.stringify(ours).includes('rejectedSpans')) rejecting++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(rejecting > 100, `${rejecting}`);
});
