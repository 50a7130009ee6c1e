// Which cores are taken, from lists as Linux writes them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList, pickCores } from './machine.ts';

test('lists of processors', () => {
  assert.deepEqual(parseCpuList('0'), [0]);
  assert.deepEqual(parseCpuList('0-3'), [0, 1, 2, 3]);
  assert.deepEqual(parseCpuList('1,4-5,8'), [1, 4, 5, 8]);
  assert.deepEqual(parseCpuList(''), []);
});

test('two cores, one each', () => {
  assert.deepEqual(pickCores([0, 1], String), { runtime: 1, stub: 0 });
});

test('two threads of one core are not two cores', () => {
  // 0 and 2 are the threads of one core, 1 and 3 of the other.
  const physicalCore = (cpu: number): string => String(cpu % 2);
  assert.deepEqual(pickCores([0, 1, 2, 3], physicalCore), { runtime: 3, stub: 0 });
  assert.equal(pickCores([1, 3], physicalCore), undefined);
});

test('one core, or none that is known', () => {
  assert.equal(pickCores([0], String), undefined);
  assert.equal(pickCores([], String), undefined);
});
