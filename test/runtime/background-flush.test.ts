import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flushInBackground } from '../../runtime/background-flush.ts';
import { settle } from '../support/conditions.ts';

test('one flush at a time, and one more for everything that was asked for during it', async () => {
  const open: (() => void)[] = [];
  let started = 0;
  const flush = flushInBackground({
    flush: (reason, deadlineEpochMs) => {
      assert.equal(reason, 'invocation');
      assert.ok(deadlineEpochMs > Date.now());
      started++;
      return new Promise((resolve) => open.push(resolve));
    },
  });
  flush();
  flush();
  flush();
  await settle();
  assert.equal(started, 1);
  open.shift()!();
  await settle();
  assert.equal(started, 2);
  open.shift()!();
  await settle();
  assert.equal(started, 2);
  flush();
  await settle();
  assert.equal(started, 3);
});
