// The two notations of the rows: what an event must have, and what becomes an attribute.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Loose } from '../../../instrumentation/triggers/event-fields.ts';
import { pick, shape } from '../../../instrumentation/triggers/field-specs.ts';

type ShapeRow = readonly [notation: string, event: unknown, holds: boolean];

const shapeRows: readonly ShapeRow[] = [
  ['a', { a: '' }, true],
  ['a', { a: 1 }, false],
  ['a', {}, false],
  ['a', 'text', false],
  ['a', null, false],
  ['a.b', { a: { b: 'x' } }, true],
  ['a.b', { a: null }, false],
  ['a.0.b', { a: [{ b: 'x' }] }, true],
  ['a{}', { a: {} }, true],
  ['a{}', { a: [] }, false],
  ['a{}', { a: null }, false],
  ['a[]', { a: [] }, true],
  ['a[]', { a: { length: 0 } }, false],
  ['a=x', { a: 'x' }, true],
  ['a=x', { a: ['x'] }, false],
  ['a-b=Scheduled Event', { 'a-b': 'Scheduled Event' }, true],
  ['a=true', { a: true }, true],
  ['a=true', { a: 1 }, false],
  ['a=x&b', { a: 'x', b: 'y' }, true],
  ['a=x&b', { a: 'x' }, false],
];

for (const [notation, event, expected] of shapeRows) {
  test(`${notation} ${expected ? 'holds' : 'does not hold'} for ${JSON.stringify(event)}`, () => {
    const holds = shape(notation);
    assert.equal(holds(event as Loose), expected);
    assert.equal(holds(event as Loose), expected, 'compiled once, used again');
  });
}

test('fields become attributes by their type', () => {
  const source = { id: 'i', sub: { name: 'n', count: '7', flag: false }, list: ['first'], empty: '', object: {} };
  assert.deepEqual(pick(source, 'x. id y. name=sub.name count#=sub.count flag?=sub.flag first=list.0'), {
    'x.id': 'i',
    'y.name': 'n',
    'y.count': 7,
    'y.flag': false,
    'y.first': 'first',
  });
  assert.deepEqual(pick(source, 'empty object a=sub b#=sub.name c?=id d=none.at.all'), {});
  assert.deepEqual(pick(undefined, 'a b=c.d'), {});
});

test('of two fields for one attribute the last that is there counts', () => {
  assert.deepEqual(pick({ a: '1', b: '2' }, 'x=a x=b'), { x: '2' });
  assert.deepEqual(pick({ a: '1' }, 'x=a x=b'), { x: '1' });
});
