// A block that is not asked would have had nothing to say: what `concernsOf` leaves out changes no document.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { AWS_KEYS, awsBlockOf } from '../../../../instrumentation/export/xray/aws-block.ts';
import { concern, concernsOf } from '../../../../instrumentation/export/xray/concerns.ts';
import { HTTP_KEYS } from '../../../../instrumentation/export/xray/http-block.ts';
import { NAME_KEYS, NAMESPACE_KEYS, nameOf, namespaceOf } from '../../../../instrumentation/export/xray/names.ts';
import { SpanAttributes } from '../../../../instrumentation/export/xray/span-attributes.ts';
import { SQL_KEYS, sqlBlockOf } from '../../../../instrumentation/export/xray/sql-block.ts';
import { buildSpan } from '../../span-builder.ts';

/** Every attribute that the blocks name in their source: one that a list forgets is among them. */
const keys = ['aws-block', 'http-block', 'names', 'sql-block'].flatMap((file) => {
  const source = new URL(`../../../../instrumentation/export/xray/${file}.ts`, import.meta.url);
  return [...readFileSync(source, 'utf8').matchAll(/'([a-zA-Z_]+(?:\.\w+)+)'/g)].map(([, key]) => key!);
});

const value = fc.oneof(
  fc.constantFrom<unknown>(
    'aws-api',
    'mysql',
    'LOCAL_ROOT',
    'SQS/Send',
    'https://h:1/a',
    '',
    404,
    true,
    null,
    undefined,
  ),
  fc.array(fc.constantFrom('a', '{"b":1}'), { maxLength: 2 }),
);
const attributes = fc
  .array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries));
const kind = fc.constantFrom(0, 1, 2, 3, 4);
const resource = fc.constantFrom({}, { 'service.name': 'orders' });

/** `read` of fresh attributes, and the keys that it used. */
function reading<T>(values: Record<string, unknown>, read: (attributes: SpanAttributes) => T): [T, string[]] {
  const fresh = new SpanAttributes(values);
  const result = read(fresh);
  return [result, fresh.keys.filter((key) => fresh.isUsed(key))];
}

test('property: a block that is not asked would say nothing, and use up nothing', () => {
  fc.assert(
    fc.property(attributes, kind, resource, (values, kind, resource) => {
      const concerns = concernsOf(new SpanAttributes(values));
      const span = buildSpan({ kind, resource, attributes: values });
      const nothing = [undefined, []];
      if ((concerns & concern.sql) === 0) assert.deepEqual(reading(values, sqlBlockOf), nothing);
      if ((concerns & concern.aws) === 0) {
        const asked = { isCall: false, isInvocation: false, hasKeys: true };
        assert.deepEqual(
          reading(values, (fresh) => awsBlockOf(fresh, asked)),
          nothing,
        );
      }
      if ((concerns & concern.name) === 0) {
        const named = (hasKeys: boolean) => reading(values, (fresh) => nameOf(span, fresh, hasKeys));
        assert.deepEqual(named(false), named(true));
      }
      if ((concerns & concern.namespace) === 0) {
        const placed = (hasKeys: boolean) => reading(values, (fresh) => namespaceOf(kind, fresh, hasKeys));
        assert.deepEqual(placed(false), placed(true));
      }
    }),
    { numRuns: 5000 },
  );
});

test('one key alone wakes its block', () => {
  const blocks = [
    [concern.http, HTTP_KEYS],
    [concern.aws, AWS_KEYS],
    [concern.sql, SQL_KEYS],
    [concern.name, NAME_KEYS],
    [concern.namespace, NAMESPACE_KEYS],
  ] as const;
  for (const [bit, names] of blocks) {
    for (const key of names) {
      assert.ok((concernsOf(new SpanAttributes({ [key]: 'x' })) & bit) !== 0, key);
      assert.equal(concernsOf(new SpanAttributes({ [key]: undefined })), 0, key);
    }
  }
  assert.equal(concernsOf(new SpanAttributes({ 'app.item': 'x' })), 0);
});
