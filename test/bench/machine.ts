// The machine under the benchmark: which core the runtime gets, which the stub, and what the machine is called in results.

import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { runCommand } from '../../layer/command.ts';

export type Cores = { readonly runtime: number; readonly stub: number };

/** `0-2,5` -> 0, 1, 2, 5. Source: proc(5), Cpus_allowed_list. */
export function parseCpuList(list: string): number[] {
  return list
    .split(',')
    .filter((part) => part.trim() !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, at) => first + at);
    });
}

/** The last core for the runtime and the first that is no sibling of it for the stub; undefined: one for each is not there. */
export function pickCores(allowed: readonly number[], physicalCore: (cpu: number) => string): Cores | undefined {
  const runtime = allowed.at(-1);
  if (runtime === undefined) return undefined;
  const stub = allowed.find((cpu) => physicalCore(cpu) !== physicalCore(runtime));
  return stub === undefined ? undefined : { runtime, stub };
}

function readPhysicalCore(cpu: number): string {
  const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
  try {
    return ['physical_package_id', 'core_id']
      .map((name) => readFileSync(`${topology}/${name}`, 'utf8').trim())
      .join(':');
  } catch {
    return String(cpu);
  }
}

/** undefined where processes cannot be pinned: one core, no taskset, no Linux. */
export async function chooseCores(): Promise<Cores | undefined> {
  if (!existsSync('/proc/self/status')) return undefined;
  if ((await runCommand(['taskset', '--version'])).exitCode !== 0) return undefined;
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  return pickCores(parseCpuList(list), readPhysicalCore);
}

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  /** False: runtime and stub shared the machine's cores. */
  readonly isPinned: boolean;
};

export function describeMachine(cores: Cores | undefined): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    isPinned: cores !== undefined,
  };
}

/** Load above this means that somebody else is working on the machine: the benchmark itself makes for one and a half. */
const QUIET_LOAD = 1.5;

/** A warning for the reader of the results, or undefined. */
export function describeNoise(): string | undefined {
  const [load = 0] = loadavg();
  if (load <= QUIET_LOAD) return undefined;
  return `the load average is ${load.toFixed(1)}: ratios of single rounds will scatter, times mean nothing`;
}
