// A handful does what a Set does; the Set is the oracle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Handful } from '../../runtime/handful.ts';

const step = fc.tuple(fc.constantFrom('add', 'delete', 'takeAll'), fc.nat(5));

test('things come and go as in a Set, in their order', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const handful = new Handful<number>();
      const set = new Set<number>();
      for (const [what, thing] of steps) {
        assert.equal(handful.has(thing), set.has(thing));
        if (what === 'delete') assert.equal(handful.delete(thing), set.delete(thing));
        else if (what === 'takeAll') {
          assert.deepEqual(handful.takeAll(), [...set]);
          set.clear();
        } else if (!set.has(thing)) {
          handful.add(thing);
          set.add(thing);
        }
        assert.deepEqual([...handful], [...set]);
        assert.equal(handful.size, set.size);
      }
    }),
  );
});

test('all that was there is walked over, although it is deleted on the way', () => {
  const handful = new Handful<string>();
  for (const thing of ['a', 'b', 'c']) handful.add(thing);
  const walked: string[] = [];
  for (const thing of handful) {
    walked.push(thing);
    handful.delete(thing);
  }
  assert.deepEqual(walked, ['a', 'b', 'c']);
  assert.equal(handful.size, 0);
});
