// The benchmark's statistics: known values, and what must hold for any.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { compareRounds, costPerUnit, median, quantile, shuffled, summarize } from './statistics.ts';

// Without -0, which is another value to `equal`.
const numbers = fc.array(
  fc.double({ noNaN: true, min: -1e9, max: 1e9 }).map((value) => value + 0),
  { minLength: 1, maxLength: 60 },
);

suite('quantile', () => {
  test('known values', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(quantile([10, 20, 30, 40, 50], 0.25), 20);
    assert.equal(quantile([10, 20], 0.9), 19);
    assert.equal(quantile([7], 0.99), 7);
    assert.ok(Number.isNaN(median([])));
  });

  test('rounds that failed do not count', () => {
    assert.equal(median([Number.NaN, 5, 1, Number.NaN, 3]), 3);
  });

  test('grows with the share, from the least value to the greatest', () => {
    fc.assert(
      fc.property(
        numbers,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, a, b) => {
          const [low, high] = a < b ? [a, b] : [b, a];
          assert.ok(quantile(values, low) <= quantile(values, high) + 1e-6);
          assert.equal(quantile(values, 0), Math.min(...values));
          assert.equal(quantile(values, 1), Math.max(...values));
        },
      ),
    );
  });
});

suite('summarize', () => {
  test('an interval by ranks: the 14th and 27th of forty', () => {
    const values = Array.from({ length: 40 }, (_, at) => at + 1);
    assert.deepEqual(summarize(values), { median: 20.5, low: 14, high: 27, n: 40 });
  });

  test('few values: their range', () => {
    assert.deepEqual(summarize([3, 1, 2]), { median: 2, low: 1, high: 3, n: 3 });
    assert.deepEqual(summarize([5]), { median: 5, low: 5, high: 5, n: 1 });
    assert.equal(summarize([]).n, 0);
  });

  test('the median lies in its interval, and the interval among the values', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const { median: middle, low, high, n } = summarize(values);
        assert.equal(n, values.length);
        assert.ok(low <= middle && middle <= high);
        assert.ok(values.includes(low) && values.includes(high));
      }),
    );
  });

  test('covers the true median in about 95 of 100 samples', () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const samples = 2000;
    let covered = 0;
    for (let sample = 0; sample < samples; sample++) {
      const { low, high } = summarize(Array.from({ length: 40 }, random));
      if (low <= 0.5 && 0.5 <= high) covered++;
    }
    assert.ok(covered / samples > 0.93 && covered / samples < 0.99, `${covered} of ${samples}`);
  });
});

suite('compareRounds', () => {
  test('pairs by round: what slows a whole round cancels out', () => {
    const base = [10, 30, 10, 50, 10];
    const own = base.map((value) => value * 1.2);
    assert.equal(Number(compareRounds(own, base, 'ratio').median.toPrecision(6)), 1.2);
    assert.equal(compareRounds([12, 32, 12], [10, 30, 10], 'difference').median, 2);
  });

  test('a round in which one of the two failed does not count', () => {
    const comparison = compareRounds([2, Number.NaN, 4, 100], [1, 1, 2, Number.NaN], 'ratio');
    assert.deepEqual([comparison.median, comparison.n], [2, 2]);
  });

  test('nothing to compare with', () => {
    assert.equal(compareRounds([1, 2], [], 'ratio').n, 0);
  });
});

test('cost per unit is the slope', () => {
  assert.equal(costPerUnit(100, 1, 1099, 1000), 1);
  assert.ok(Number.isNaN(costPerUnit(1, 5, 2, 5)));
});

test('shuffling keeps every item, and any order can come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      assert.deepEqual(shuffled(items).toSorted(), items.toSorted());
    }),
  );
  assert.deepEqual(
    shuffled(['a', 'b', 'c'], () => 0),
    ['b', 'c', 'a'],
  );
  assert.deepEqual(
    shuffled(['a', 'b', 'c'], () => 0.999),
    ['a', 'b', 'c'],
  );
});
