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

/** Nanoseconds that the threads of a process have run; those of threads that have ended are lost. NaN when the kernel keeps none. */
export function readCpuNs(pid: number): number {
  try {
    let sum = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
    }
    return sum > 0 ? sum : Number.NaN;
  } catch {
    return Number.NaN;
  }
}
