// What Linux says of a process: memory and processor time, from /proc.

import { readdirSync, readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

export type Memory = { readonly anonMib: number; readonly rssMib: number; readonly peakRssMib: number };

/** NaN for what the text does not have. */
export function parseMemory(status: string): Memory {
  const mib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN) / KIB_PER_MIB;
  return { anonMib: mib('RssAnon'), rssMib: mib('VmRSS'), peakRssMib: mib('VmHWM') };
}

export function readMemory(pid: number): Memory {
  try {
    return parseMemory(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return parseMemory('');
  }
}

/** USER_HZ, in which /proc/PID/stat counts, on every Linux that Node runs on. */
const TICK_NS = 1e7;

/** Nanoseconds of user and system time; steps of 10 ms. */
export function parseCpuTicks(stat: string): number {
  // The name in parentheses may hold spaces and parentheses itself: the numbers follow the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
}

/** Nanoseconds that a process has run: exact where the kernel keeps scheduler statistics, else in steps of 10 ms; NaN elsewhere. */
export function readCpuNs(pid: number): number {
  return readScheduled(pid) ?? readTicks(pid);
}

function readScheduled(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]),
    );
    return threads.reduce((sum, ns) => sum + ns, 0);
  } catch {
    return undefined;
  }
}

function readTicks(pid: number): number {
  try {
    return parseCpuTicks(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return Number.NaN;
  }
}
