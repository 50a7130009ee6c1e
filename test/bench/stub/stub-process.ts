// The stub's process: takes one plan after the other, runs it, and sends back what it has seen.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { makeEvent } from './events.ts';
import { FunctionApi } from './function-api.ts';
import { readCpuNs, readMemory } from './process-figures.ts';
import type { RunFailure, RunPlan, RunResult } from './run-plan.ts';
import { RuntimeProcess } from './runtime-process.ts';

const api = new FunctionApi();
const toMicroseconds = (milliseconds: number): number => milliseconds * 1000;

async function run(plan: RunPlan): Promise<RunResult> {
  api.reset();
  const runtime = new RuntimeProcess(plan);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no end after ${plan.deadlineMs} ms:\n${runtime.output}`)),
      plan.deadlineMs,
    );
  });
  const or = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, runtime.ended, deadline]);
  try {
    await runtime.ready();
    return await measure(plan, runtime, or);
  } finally {
    clearTimeout(timer);
    await runtime.kill();
  }
}

async function measure(
  { event, discarded, counted }: RunPlan,
  runtime: RuntimeProcess,
  or: <T>(promise: Promise<T>) => Promise<T>,
): Promise<RunResult> {
  const bytes = makeEvent(event);
  const startedAt = runtime.start();
  const polledAt = await or(api.idle());
  const atStart = readMemory(runtime.pid);
  await nextTurn();
  const first = api.invoke(bytes);
  const firstAnsweredAt = await or(first.answered);
  const firstIdleAt = await or(first.idle);

  const warmUs: number[] = [];
  const afterUs: number[] = [];
  let cpuNs = readCpuNs(runtime.pid);
  for (let count = 0; count < discarded + counted; count++) {
    if (count === discarded) cpuNs = readCpuNs(runtime.pid);
    // Datagrams and answered exports that still lie in this process's sockets must not fall into the next invocation.
    await nextTurn();
    await nextTurn();
    const { deliveredAt, answered, idle } = api.invoke(bytes);
    const answeredAt = await or(answered);
    const idleAt = await or(idle);
    if (count < discarded) continue;
    warmUs.push(toMicroseconds(answeredAt - deliveredAt));
    afterUs.push(toMicroseconds(idleAt - answeredAt));
  }
  const cpuUsPerInvocation = (readCpuNs(runtime.pid) - cpuNs) / 1000 / counted;
  const atEnd = readMemory(runtime.pid);
  return {
    initMs: polledAt - startedAt,
    coldMs: firstAnsweredAt - startedAt,
    firstFlushMs: firstIdleAt - firstAnsweredAt,
    anonAtStartMib: atStart.anonMib,
    rssAtStartMib: atStart.rssMib,
    warmUs,
    afterUs,
    anonAtEndMib: atEnd.anonMib,
    rssAtEndMib: atEnd.rssMib,
    peakRssMib: atEnd.peakRssMib,
    cpuUsPerInvocation,
    ...api.counts,
  };
}

async function answer(plan: RunPlan): Promise<void> {
  const message = await run(plan).catch((error: Error): RunFailure => ({ failure: error.message }));
  // Garbage of this run is not collected during the next one.
  globalThis.gc?.();
  process.send?.(message);
}

await api.open();
process.on('message', (plan: RunPlan) => void answer(plan));
process.on('disconnect', () => process.exit(0));
process.send?.(api.addresses);
