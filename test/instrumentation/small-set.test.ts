import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SmallSet } from '../../instrumentation/small-set.ts';
import { fc } from '../support/property.ts';

test('it does what a Set does', () => {
  const step = fc.record({ isAdd: fc.boolean(), item: fc.integer({ min: 0, max: 6 }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const small = new SmallSet<number>();
      const oracle = new Set<number>();
      for (const { isAdd, item } of steps) {
        if (isAdd) {
          small.add(item);
          oracle.add(item);
        } else assert.equal(small.delete(item), oracle.delete(item));
        assert.equal(small.size, oracle.size);
        assert.deepEqual([...small], [...oracle]);
      }
    }),
  );
});

test('what is deleted or added while somebody goes through it changes nothing for them', () => {
  const small = new SmallSet<number>();
  for (const item of [1, 2, 3]) small.add(item);
  const seen: number[] = [];
  for (const item of small) {
    seen.push(item);
    small.delete(item);
    small.add(item + 10);
  }
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual([...small], [11, 12, 13]);
});
