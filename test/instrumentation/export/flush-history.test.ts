import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlushHistory } from '../../../instrumentation/export/flush-history.ts';

/** A history of so many invocations, so far apart. */
function invoked(times: number, everyMs: number): FlushHistory {
  const history = new FlushHistory();
  for (let index = 0; index < times; index++) history.invoked(1_700_000_000_000 + index * everyMs);
  return history;
}

for (const [what, history, mode] of [
  ['nothing is known yet', invoked(0, 0), 'async'],
  ['19 invocations are too few', invoked(19, 10), 'async'],
  ['20 in quick succession', invoked(20, 10), 'continuous'],
  ['two minutes apart on average', invoked(20, 120_000), 'continuous'],
  ['more than two minutes apart', invoked(20, 120_001), 'async'],
] as const) {
  test(`${what}: ${mode}`, () => assert.equal(history.mode(), mode));
}

test('only the last twenty invocations count', () => {
  const history = invoked(20, 1_000_000);
  for (let index = 0; index < 20; index++) history.invoked(1_800_000_000_000 + index);
  assert.equal(history.mode(), 'continuous');
});

test('twenty failures in a row: nobody shall wait for this backend; one success, and somebody does again', () => {
  const history = new FlushHistory();
  for (let failure = 1; failure <= 19; failure++) history.flushed(true);
  assert.equal(history.mode(), 'async');
  history.flushed(true);
  assert.equal(history.mode(), 'continuous');
  history.flushed(false);
  assert.equal(history.mode(), 'async');
});

test('a wall clock that is set back counts as a short time, not as a long one', () => {
  const history = invoked(20, 1_000_000);
  history.invoked(0);
  assert.equal(history.mode(), 'continuous');
});
