// The soak in short; soak.ts is the long one (`npm run soak`).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaksOf, type SoakPoint, slopeOf, soak } from './soak-run.ts';

const INVOCATIONS = 5000;
const POINTS = 10;
/** By a thousand invocations: 150 bytes in each, a tenth of a span. V8 is not done with its own before 10 000; the long soak allows 10. */
const MOST_BYTES = 150_000;

const pointAt = (invocations: number, heapBytes: number, more: Partial<SoakPoint> = {}): SoakPoint => ({
  invocations,
  heapBytes,
  residentBytes: 0,
  descriptors: 20,
  listeners: { exit: 1 },
  resources: { Timeout: 1 },
  ...more,
});

test('a slope is bytes by a thousand invocations, and what there is more of at the end is named', () => {
  const points = [pointAt(1000, 5000), pointAt(2000, 5100), pointAt(3000, 5200)];
  assert.equal(
    slopeOf(points, ({ heapBytes }) => heapBytes),
    100,
  );
  assert.deepEqual(leaksOf(points), []);
  const leaky = { descriptors: 21, listeners: { exit: 1, SIGTERM: 2 }, resources: { Timeout: 2 } };
  assert.deepEqual(leaksOf([...points, pointAt(4000, 5300, leaky)]), [
    ' descriptors: 20 -> 21',
    'listeners of SIGTERM: 0 -> 2',
    'resource Timeout: 1 -> 2',
  ]);
});

test(`${INVOCATIONS} invocations, backends that fail now and then: nothing grows`, async (t) => {
  const { points, seconds, spans, dropped, processes } = await soak(INVOCATIONS, INVOCATIONS / POINTS);
  // The first half warms up: code is compiled, and what has bounds reaches them.
  const measured = points.slice(POINTS / 2);
  const slope = slopeOf(measured, ({ heapBytes }) => heapBytes);
  t.diagnostic(`${(INVOCATIONS / seconds).toFixed(0)} invocations/s, ${spans} spans, lost ${JSON.stringify(dropped)}`);
  t.diagnostic(`heap ${points.map(({ heapBytes }) => (heapBytes / 1024).toFixed(0)).join(' ')} KiB`);
  t.diagnostic(`${slope.toFixed(0)} bytes by a thousand invocations`);
  assert.equal(processes, 1);
  assert.ok(spans > INVOCATIONS * 5);
  assert.deepEqual(leaksOf(measured), []);
  assert.ok(slope < MOST_BYTES, `${slope} bytes by a thousand invocations`);
});
