import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HrTime } from '@opentelemetry/api';
import { Clock, epochHrTime } from '../../instrumentation/clock.ts';
import { fc } from '../support/property.ts';

type Stand = { readonly clock: Clock; wallMs: number; monotonicMs: number };

/** A clock over clocks of the test's own. */
function standClock(monotonicMs: number, wallMs: number): Stand {
  const stand = { wallMs, monotonicMs };
  const clock = new Clock({ monotonicNow: () => stand.monotonicMs, wallNow: () => stand.wallMs });
  return Object.assign(stand, { clock });
}

const nanosOf = ([seconds, nanos]: HrTime): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
/** Exactly what a double of milliseconds says, in nanoseconds. */
const exactNanos = (ms: number): bigint =>
  BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms - Math.floor(ms)) * 1e6));
const distance = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a);

test('now is the monotonic clock, and its time of day is the wall clock’s', () => {
  const clock = new Clock();
  const before = process.uptime() * 1000;
  const now = clock.now();
  assert.ok(now >= before && now <= process.uptime() * 1000);
  const [seconds, nanos] = clock.hrTime(clock.now());
  assert.ok(Math.abs(seconds * 1e3 + nanos / 1e6 - Date.now()) < 1000);
});

test('times have nanoseconds that the sum of two doubles would lose', () => {
  const origin = fc.double({ min: 1.6e12, max: 2.2e12, noNaN: true });
  const instant = fc.double({ min: 0, max: 1e10, noNaN: true });
  fc.assert(
    fc.property(origin, instant, fc.double({ min: 0, max: 1e6, noNaN: true }), (timeOrigin, at, later) => {
      const { clock } = standClock(0, timeOrigin);
      const found = clock.hrTime(at);
      assert.ok(Number.isInteger(found[0]) && Number.isInteger(found[1]) && found[1] >= 0 && found[1] < 1e9);
      assert.ok(distance(nanosOf(found), exactNanos(timeOrigin) + BigInt(Math.round(at * 1e6))) <= 1n);
      assert.ok(nanosOf(clock.hrTime(at + later)) >= nanosOf(found), 'a later instant is never an earlier time');
    }),
    { numRuns: 100 },
  );
});

test('milliseconds and instants turn into each other', () => {
  const { clock } = standClock(0, 1_700_000_000_000.25);
  assert.equal(clock.epochMs(1000), 1_700_000_001_000.25);
  assert.equal(clock.instant(1_700_000_001_000.25), 1000);
});

test('a drift within the resolution of the clocks is let be', () => {
  const stand = standClock(0, 1_700_000_000_000);
  assert.deepEqual(stand.clock.hrTime(0), [1_700_000_000, 0]);
  stand.monotonicMs = 60_000;
  stand.wallMs = 1_700_000_060_002;
  stand.clock.anchor();
  assert.deepEqual(stand.clock.hrTime(60_000), [1_700_000_060, 0]);
});

for (const [what, wallMs, monotonicMs] of [
  ['the process was frozen and the monotonic clock stood still', 1_700_003_600_000, 1_000],
  ['the wall clock was put forward', 1_700_000_011_500, 10_000],
  ['the wall clock was put back', 1_699_999_990_000, 10_000],
  ['both clocks crept apart', 1_700_000_010_003, 10_000],
] as const) {
  test(`${what}: from the next anchor on, times are the wall clock’s again`, () => {
    const stand = standClock(0, 1_700_000_000_000);
    stand.wallMs = wallMs;
    stand.monotonicMs = monotonicMs;
    assert.deepEqual(stand.clock.hrTime(10_000), [1_700_000_010, 0], 'not before: a span keeps one clock');
    stand.clock.anchor();
    assert.deepEqual(stand.clock.hrTime(monotonicMs), epochHrTime(wallMs));
    assert.equal(stand.clock.epochMs(monotonicMs), wallMs);
    const [seconds, nanos] = stand.clock.hrTime(monotonicMs + 1.5);
    assert.equal(BigInt(seconds) * 1_000_000_000n + BigInt(nanos), exactNanos(wallMs) + 1_500_000n);
  });
}

test('the wall clock was wrong when the process began: the first anchor is the constructor’s', () => {
  const { clock } = standClock(50, 1_700_000_000_000);
  assert.deepEqual(clock.hrTime(50), [1_700_000_000, 0]);
});

test('user code that mocks the clocks does not move it', (t) => {
  const clock = new Clock();
  t.mock.method(Date, 'now', () => 0);
  t.mock.method(process, 'uptime', () => 0);
  clock.anchor();
  assert.ok(clock.now() > 0);
  assert.ok(clock.hrTime(clock.now())[0] > 1_600_000_000);
});

test('epoch milliseconds become seconds and nanoseconds exactly', () => {
  assert.deepEqual(epochHrTime(1_700_000_000_123), [1_700_000_000, 123_000_000]);
  assert.deepEqual(epochHrTime(0), [0, 0]);
  assert.deepEqual(epochHrTime(999.9999999), [1, 0]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (epochMs) => {
      assert.equal(nanosOf(epochHrTime(epochMs)), BigInt(epochMs) * 1_000_000n);
    }),
  );
});
