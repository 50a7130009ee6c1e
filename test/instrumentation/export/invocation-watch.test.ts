import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvocationWatch, momentsOf } from '../../../instrumentation/export/invocation-watch.ts';
import { now } from '../../../runtime/lifecycle.ts';
import { fc } from '../../support/property.ts';

for (const [totalMs, marginMs, moments] of [
  [1000, undefined, { longMs: 250, lateMs: 750, lastMs: 950 }],
  [1999, undefined, { longMs: 499.75, lateMs: 1499.25, lastMs: 1899.05 }],
  [3000, undefined, { longMs: 750, lateMs: 2500, lastMs: 2850 }],
  [10_000, undefined, { longMs: 2500, lateMs: 9000, lastMs: 9750 }],
  [30_000, undefined, { longMs: 7500, lateMs: 27_000, lastMs: 29_750 }],
  [900_000, undefined, { longMs: 225_000, lateMs: 897_000, lastMs: 899_750 }],
  [10_000, 4000, { longMs: 2500, lateMs: 6000, lastMs: 9750 }],
  [10_000, 1, { longMs: 2500, lateMs: 9750, lastMs: 9750 }],
  [10_000, 60_000, { longMs: 2500, lateMs: 2500, lastMs: 9750 }],
] as const) {
  const margin = marginMs === undefined ? 'the usual margin' : `a margin of ${marginMs} ms`;
  test(`${totalMs} ms with ${margin}`, () => assert.deepEqual(momentsOf(totalMs, marginMs), moments));
}

test('the moments come in their order, within the time', () => {
  const margin = fc.option(fc.integer({ min: 1, max: 900_000 }), { nil: undefined });
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 900_000 }), margin, (totalMs, marginMs) => {
      const { longMs, lateMs, lastMs } = momentsOf(totalMs, marginMs);
      assert.ok(longMs > 0 && longMs <= lateMs && lateMs <= lastMs && lastMs < totalMs);
    }),
  );
});

type Watched = { readonly name: string; readonly agoMs: number; readonly totalMs: number };

function makeWatch(): { watch: InvocationWatch<Watched>; told: string[] } {
  const told: string[] = [];
  const tell = (what: string) => (invocation: Watched) => void told.push(`${what} ${invocation.name}`);
  const begun = now();
  const watch = new InvocationWatch<Watched>({
    marginMs: undefined,
    timesOf: ({ agoMs, totalMs }) => ({ startedAt: begun - agoMs, totalMs }),
    long: tell('long'),
    late: tell('late'),
    last: tell('last'),
  });
  return { watch, told };
}

test('every moment is told once, also those that came together, as after a freeze; the next one is named', () => {
  const { watch, told } = makeWatch();
  const quick = { name: 'quick', agoMs: 0, totalMs: 100_000 };
  const late = { name: 'late', agoMs: 98_000, totalMs: 100_000 };
  const over = { name: 'over', agoMs: 5_000_000, totalMs: 100_000 };
  const inMs = watch.look([quick, late, over]);
  assert.deepEqual(told, ['long late', 'late late', 'long over', 'late over', 'last over']);
  // 1750 ms to the last moment of `late`, and what the machine has taken since.
  assert.ok(inMs <= 1750 && inMs > 0, `${inMs}`);
  watch.look([quick, late, over]);
  assert.equal(told.length, 5);
});

test('nothing to watch, too little time, or a deadline that is none: nothing is told, and nobody need ask again', () => {
  const { watch, told } = makeWatch();
  assert.equal(watch.look([]), Number.POSITIVE_INFINITY);
  for (const totalMs of [199, 0, -5, Number.NaN]) {
    assert.equal(watch.look([{ name: 'x', agoMs: 1000, totalMs }]), Number.POSITIVE_INFINITY);
  }
  assert.deepEqual(told, []);
});
