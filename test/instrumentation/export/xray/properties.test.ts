import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { buildSpan } from '../../span-builder.ts';
import { allOf, draw, placement } from './drawing.ts';

const { serverSpanId, invocationSpanId, parentId } = placement;

/** Keys that blocks read, so that random values land there too. */
const knownKeys = [
  'http.request.method',
  'http.method',
  'url.full',
  'http.url',
  'url.path',
  'url.query',
  'http.target',
  'http.host',
  'server.address',
  'server.port',
  'http.response.status_code',
  'http.status_code',
  'http.response.body.size',
  'user_agent.original',
  'client.address',
  'rpc.system',
  'rpc.service',
  'rpc.method',
  'aws.service',
  'aws.remote.service',
  'aws.dynamodb.table_names',
  'aws.dynamodb.consumed_capacity',
  'aws.dynamodb.count',
  'aws.xray.retries',
  'cloud.region',
  'db.system',
  'db.system.name',
  'db.name',
  'db.statement',
  'db.connection_string',
  'peer.service',
  'error.type',
  'aws.xray.annotations',
  'aws.xray.metadata.mine',
  'AWS.reserved',
  '__proto__',
  'constructor',
] as const;

const sensibleTexts = fc.constantFrom(
  'aws-api',
  'mysql',
  'SQS',
  '{"a":[1]}',
  '404',
  '503',
  'https://u:p@h:1/a?b=1',
  '',
);
const hugeText = fc
  .tuple(fc.constantFrom('x', 'é', '𝒳', '\u0000', '"', '\ud800'), fc.constantFrom(300, 5000, 70_000, 1_000_000))
  .map(([unit, count]) => unit.repeat(count));
const text = fc.oneof(
  { weight: 10, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 5, arbitrary: sensibleTexts },
  { weight: 1, arbitrary: hugeText },
);
const scalar = fc.oneof(
  text,
  fc.double(),
  fc.integer({ min: 0, max: 600 }),
  fc.boolean(),
  fc.bigInt(),
  fc.constant(null),
  fc.constant(undefined),
);
const circular = fc.object({ maxDepth: 2, withBigInt: true, withTypedArray: true }).map((object) => {
  (object as Record<string, unknown>).self = object;
  return object as unknown;
});
const deep = fc.integer({ min: 1, max: 5000 }).map((depth) => {
  let value: unknown = 'bottom';
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
});
const value = fc.oneof(
  { weight: 20, arbitrary: scalar },
  { weight: 5, arbitrary: fc.array(scalar, { maxLength: 5 }) },
  { weight: 2, arbitrary: circular },
  { weight: 1, arbitrary: deep },
);
const attributes = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...knownKeys), text), value), { maxLength: 12 })
  .map((entries) => Object.fromEntries(entries) as Record<string, unknown>);

const time = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.tuple(
      fc.integer({ min: 1_600_000_000, max: 1_700_000_000 }),
      fc.integer({ min: 0, max: 999_999_999 }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<[number, number]>([0, 0], [Number.NaN, 0], [1_600_000_000, Number.POSITIVE_INFINITY]),
  },
);

const event = fc.record({
  name: fc.oneof(fc.constant('exception'), text),
  time,
  attributes: fc.dictionary(
    fc.constantFrom('exception.type', 'exception.message', 'exception.stacktrace', 'other'),
    scalar,
  ),
});

const spanContent = fc.record({
  name: text,
  kind: fc.constantFrom(0, 1, 2, 3, 4),
  start: time,
  end: time,
  ended: fc.boolean(),
  attributes,
  events: fc.array(event, { maxLength: 3 }),
  status: fc.record({ code: fc.constantFrom(0, 1, 2), message: text }),
});

/** A parent as an index: of a span before or after, of itself, or none of the batch. */
const shape = fc.array(fc.tuple(spanContent, fc.oneof(fc.integer({ min: -3, max: 25 }), fc.constant(0))), {
  minLength: 1,
  maxLength: 20,
});

const idAt = (index: number): string => `c0${index.toString(16).padStart(14, '0')}`;

function spansOf(drawn: readonly [Parameters<typeof buildSpan>[0], number][]): ReadableSpan[] {
  const outside = [undefined, serverSpanId, 'feedfeedfeedfeed'];
  return drawn.map(([content, parent], index) =>
    buildSpan({
      ...content,
      id: index === 0 ? invocationSpanId : idAt(index),
      parent: parent < 0 ? outside[-parent - 1] : parent === 0 ? invocationSpanId : idAt(parent),
    } as Parameters<typeof buildSpan>[0]),
  );
}

function assertDrawn(
  spans: readonly ReadableSpan[],
  capBytes: number,
  indexedAttributes: readonly string[] | 'all',
): void {
  const { documents, texts, droppedSpans } = draw(spans, {
    limits: {
      documentCapBytes: capBytes,
      addedDocuments: Number.POSITIVE_INFINITY,
      totalBytes: Number.POSITIVE_INFINITY,
    },
    annotations: { indexedAttributes, keepsDots: false },
    metadataCapBytes: 200_000,
  });
  assert.equal(droppedSpans, 0);
  for (const text of texts) assert.ok(Buffer.byteLength(text) <= capBytes, `${Buffer.byteLength(text)} > ${capBytes}`);
  const drawn = allOf(documents);
  const ids = spans.map((span) => span.spanContext().spanId);
  assert.deepEqual(drawn.map(({ id }) => id).sort(), [...new Set(ids)].sort());
  const named = spans.flatMap(({ parentSpanContext }) => parentSpanContext?.spanId ?? []);
  const known = new Set([...ids, ...named, parentId]);
  for (const { parent_id } of documents) assert.ok(known.has(parent_id!), `${parent_id} is nowhere`);
}

test('property: whatever a span holds, its documents are valid, below the cap, and every span is in one', () => {
  fc.assert(
    fc.property(
      shape,
      fc.constantFrom(2048, 9000, 64_000, 65_477),
      fc.constantFrom('all' as const, ['http.status_code', 'other']),
      (drawn, capBytes, indexed) => {
        assertDrawn(spansOf(drawn), capBytes, indexed);
      },
    ),
    { numRuns: 150 },
  );
});

test('property: whatever the tree, its documents are valid, below the cap, and every span is in one', () => {
  const trees = fc.integer({ min: 1, max: 3000 }).chain((count) =>
    fc.record({
      count: fc.constant(count),
      // How far back a parent may be: 1 gives a chain, `count` a bush.
      reach: fc.constantFrom(1, 2, 10, count),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      nameChars: fc.integer({ min: 1, max: 200 }),
    }),
  );
  fc.assert(
    fc.property(trees, fc.constantFrom(2048, 9000, 64_000), ({ count, reach, seed, nameChars }, capBytes) => {
      let state = seed;
      const next = (below: number): number => {
        state = (state * 48_271) % 2_147_483_647;
        return state % below;
      };
      const spans = Array.from({ length: count }, (_, index) =>
        buildSpan({
          id: index === 0 ? invocationSpanId : idAt(index),
          name: '名'.repeat(1 + next(nameChars)),
          parent:
            index === 0
              ? serverSpanId
              : index <= reach && next(2) === 0
                ? invocationSpanId
                : idAt(Math.max(1, index - 1 - next(reach))),
        }),
      );
      assertDrawn(spans, capBytes, []);
    }),
    { numRuns: 40 },
  );
});
