// What is read of /proc.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuTicks, parseMemory, readCpuNs, readMemory } from './process-figures.ts';

test('memory in MiB', () => {
  const status = 'Name:\tnode\nVmHWM:\t   61440 kB\nVmRSS:\t   51200 kB\nRssAnon:\t   10240 kB\nRssFile:\t 40960 kB\n';
  assert.deepEqual(parseMemory(status), { anonMib: 10, rssMib: 50, peakRssMib: 60 });
  assert.ok(Number.isNaN(parseMemory('').anonMib));
});

test('processor time, whatever the process is called', () => {
  const fields = `S 1 2 3 4 5 6 7 8 9 10 25 17 0 0 20 0 11 0`;
  assert.equal(parseCpuTicks(`42 (node) ${fields}`), 420_000_000);
  assert.equal(parseCpuTicks(`42 (a b) c) ${fields}`), 420_000_000);
});

test('of this process, where there is /proc', (t) => {
  if (process.platform !== 'linux') return t.skip(`no /proc on ${process.platform}`);
  assert.ok(readMemory(process.pid).rssMib > 10);
  assert.ok(readCpuNs(process.pid) > 0);
  assert.ok(Number.isNaN(readMemory(0x7fffffff).rssMib));
});
