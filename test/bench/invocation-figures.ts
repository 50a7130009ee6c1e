// Start, warm path, what comes after the response, and memory: the figures that every variant has.

import { type JobFigure, type Measurement, makeJob, runJobs } from './measurement.ts';
import type { Variant } from './variant.ts';

const START: readonly JobFigure[] = [
  'start.initMs',
  'start.coldMs',
  'start.firstFlushMs',
  'start.anonAtStartMib',
  'start.rssAtStartMib',
];
const WARM: readonly JobFigure[] = ['warm.p50Us', 'warm.p99Us', 'after.afterUs'];
const MEMORY: readonly JobFigure[] = ['memory.anonAtEndMib', 'memory.rssAtEndMib', 'memory.cpuUs'];
const FUNCTION: readonly JobFigure[] = ['orders.initMs', 'orders.coldMs', 'orders.anonAtStartMib'];

const WARM_DISCARDED = 20;
const WARM_COUNTED = 100;
const MEMORY_INVOCATIONS = 1000;
/** A thousand invocations average out what a single start does not. */
const ROUNDS_PER_MEMORY_ROUND = 8;

const sendersOf = (variants: readonly Variant[]) =>
  new Map(variants.flatMap(({ name, sends }) => (sends === undefined ? [] : [[name, sends] as const])));

/** Figures `start.*`. With `isWarm` the same processes go on for the figures `warm.*` and `after.*`, which cost no start of their own. */
export async function measureStart(bench: Measurement, variants: readonly Variant[], isWarm: boolean): Promise<void> {
  const load = isWarm ? { discarded: WARM_DISCARDED, counted: WARM_COUNTED } : {};
  const jobs = variants.map((variant) => makeJob(variant, bench.layer, { subject: variant.name, ...load }));
  const wanted = isWarm ? [...START, ...WARM] : START;
  await runJobs(bench, 'start', jobs, wanted, bench.rounds, sendersOf(variants));
}

/** Figures `memory.*`: what is held after a thousand invocations, and what one of them costs in processor time. */
export async function measureMemory(bench: Measurement, variants: readonly Variant[]): Promise<void> {
  const load = { discarded: 10, counted: MEMORY_INVOCATIONS };
  const jobs = variants.map((variant) => makeJob(variant, bench.layer, { subject: variant.name, ...load }));
  const rounds = Math.max(3, Math.ceil(bench.rounds / ROUNDS_PER_MEMORY_ROUND));
  await runJobs(bench, 'memory', jobs, MEMORY, rounds, sendersOf(variants));
}

/** Figures `orders.*`: the real function. */
export async function measureFunction(bench: Measurement, variants: readonly Variant[]): Promise<void> {
  const jobs = variants.map((variant) => makeJob(variant, bench.layer, { subject: variant.name }));
  await runJobs(bench, 'orders', jobs, FUNCTION, bench.rounds, sendersOf(variants));
}
