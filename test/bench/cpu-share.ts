// The share of a core that Lambda gives a small function, as a cgroup where this machine lets one be made.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lambda Developer Guide, "Configure Lambda function memory": one vCPU at 1769 MB, in proportion below. */
const MB_PER_VCPU = 1769;
/** Short, as a small function feels it. */
const PERIOD_US = 20_000;

export type CpuShare = Disposable & { readonly procs: string };

/** Makes a group that gets the share of a function of this memory size; or says why not. */
export function openCpuShare(memoryMb: number): CpuShare | { readonly missing: string } {
  const quotaUs = Math.round((PERIOD_US * memoryMb) / MB_PER_VCPU);
  const name = `spanstrap-bench-${process.pid}`;
  const isVersion2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const root = isVersion2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu';
  const folder = join(root, name);
  try {
    mkdirSync(folder);
  } catch (error) {
    return { missing: `no cgroup can be made here: ${(error as Error).message}` };
  }
  try {
    if (isVersion2) writeFileSync(join(folder, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
    else {
      writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US));
      writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quotaUs));
    }
  } catch (error) {
    rmdirSync(folder);
    return { missing: `no processor quota can be set here: ${(error as Error).message}` };
  }
  return { procs: join(folder, 'cgroup.procs'), [Symbol.dispose]: () => rmdirSync(folder) };
}
