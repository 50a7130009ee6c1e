import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPerformance } from '../../instrumentation/performance-clock.ts';

const REAL = globalThis.performance;

test('a mock on the object', (t) => {
  t.mock.method(performance, 'now', () => 0);
  Object.defineProperty(performance, 'timeOrigin', { value: 0, configurable: true });
  t.after(() => Reflect.deleteProperty(performance, 'timeOrigin'));
  const clock = openPerformance();
  assert.ok(clock.now() > 0);
  assert.ok(Math.abs(clock.timeOrigin + clock.now() - Date.now()) < 60_000);
});

test('a mock in its place', (t) => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'performance')!;
  t.after(() => Object.defineProperty(globalThis, 'performance', own));
  Object.defineProperty(globalThis, 'performance', { value: { now: () => 0, timeOrigin: 0 }, configurable: true });
  const clock = openPerformance();
  assert.ok(clock.now() > 0);
  assert.equal(clock.timeOrigin, REAL.timeOrigin);
});
