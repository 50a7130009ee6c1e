import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toJsonValue } from '../../../../instrumentation/export/xray/json-value.ts';

test('a list or object of endless length is cut before it is copied, and says so', () => {
  const list = toJsonValue(Array(20_000).fill(7)) as unknown[];
  assert.equal(list.length, 10_001);
  assert.equal(list[10_000], '[10000 more]');
  const object = toJsonValue(Object.fromEntries(Object.entries(Array(20_000).fill(7)))) as Record<string, unknown>;
  assert.equal(Object.keys(object).length, 10_001);
  assert.equal(object['…'], '[10000 more]');
});

test('a value that stands in several places is no circle', () => {
  const shared = { a: 1 };
  assert.deepEqual(toJsonValue([shared, { shared }]), [{ a: 1 }, { shared: { a: 1 } }]);
});

test('property: what JSON can carry comes through unchanged', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
      assert.deepEqual(toJsonValue(value), value);
    }),
  );
});

test('property: whatever it is, JSON then takes it and gives the same back', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true });
  fc.assert(
    fc.property(anything, (value) => {
      const json = toJsonValue(value);
      const text = JSON.stringify(json);
      if (text !== undefined) assert.deepEqual(toJsonValue(JSON.parse(text)), JSON.parse(text));
      else assert.equal(json, undefined);
    }),
  );
});
