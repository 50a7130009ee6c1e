// Pauses of the garbage collector, with real collections.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GarbageCollections } from '../../instrumentation/garbage-collections.ts';
import { now } from '../../runtime/lifecycle.ts';
import { until } from '../support/conditions.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('pauses belong to the time in which they began', async () => {
  const collections = new GarbageCollections();
  const before = now();
  collectGarbage();
  const after = now();
  await until(() => collections.within(before, after).count > 0, 'the collection is reported');
  const { count, totalMs } = collections.within(before, after);
  assert.ok(count >= 1);
  assert.ok(totalMs > 0 && totalMs <= after - before, `${totalMs} of ${after - before} ms`);
  assert.deepEqual(collections.within(before - 1000, before - 500), { count: 0, totalMs: 0 });
  collections.forgetBefore(after);
  assert.deepEqual(collections.within(before, after), { count: 0, totalMs: 0 });
});

test('of very many only the latest are kept', async () => {
  const collections = new GarbageCollections();
  const before = now();
  for (let i = 0; i < 1200; i++) runInNewContext('gc({ type: "minor" })');
  await until(() => collections.within(before, now()).count >= 1000, 'the collections are reported');
  assert.equal(collections.within(before, now()).count, 1000);
});
