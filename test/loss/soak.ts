// The long soak, by hand: `npm run soak`, or with a number of invocations behind `--`. Ends with 1 when something leaks.

import { leaksOf, slopeOf, soak } from './soak-run.ts';

const INVOCATIONS = Number(process.argv[2] ?? 100_000);
const POINTS = 20;
/** Of the heap, by a thousand invocations: a leak of ten bytes in each. */
const MOST_BYTES = 10_000;

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KiB`;

console.log('invocations        heap    resident  descriptors');
const report = await soak(INVOCATIONS, Math.ceil(INVOCATIONS / POINTS), (point) => {
  const { invocations, heapBytes, residentBytes, descriptors } = point;
  const columns = [String(invocations), kib(heapBytes), kib(residentBytes), String(descriptors)];
  console.log(columns.map((text) => text.padStart(11)).join(' '));
});
const { points, seconds, spans, dropped, processes } = report;
const slope = slopeOf(points, ({ heapBytes }) => heapBytes);
const resident = slopeOf(points, ({ residentBytes }) => residentBytes);
const leaks = leaksOf(points);
console.log(
  `${INVOCATIONS} invocations in ${seconds.toFixed(0)} s by ${processes} process, ${spans} spans arrived\n` +
    `heap ${slope.toFixed(0)} bytes and resident memory ${resident.toFixed(0)} bytes more by a thousand invocations\n` +
    `dropped: ${JSON.stringify(dropped)}\nleaks: ${leaks.length === 0 ? 'none' : leaks.join('; ')}`,
);
process.exitCode = leaks.length > 0 || slope > MOST_BYTES || processes !== 1 ? 1 : 0;
