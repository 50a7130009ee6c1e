// The stub and its runner with the floor as the runtime: that every figure is there and of the right kind, not how large it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeJob } from './measurement.ts';
import { Runner } from './runner.ts';
import type { Variant } from './variant.ts';

const floor: Variant = {
  name: 'floor',
  title: 'floor',
  group: 'floor',
  command: [process.execPath, fileURLToPath(new URL('floor.cjs', import.meta.url))],
  taskRoot: fileURLToPath(new URL('functions', import.meta.url)),
  handler: 'trivial.handler',
  variables: () => ({}),
};

test('a round of variants: results for those that run, reasons for those that do not', async () => {
  await using runner = new Runner(undefined);
  await runner.open();
  const load = { discarded: 2, counted: 5 };
  const broken: Variant = { ...floor, command: [process.execPath, '-e', 'process.exit(3)'] };
  const jobs = [
    makeJob(floor, '/layer', { subject: 'trivial', ...load }),
    makeJob(floor, '/layer', {
      subject: 'call',
      handler: 'http-call.handler',
      ...load,
    }),
    makeJob(floor, '/layer', {
      subject: 'large',
      handler: 'echo.handler',
      event: { kind: 'padded', bytes: 1_000_000 },
      ...load,
    }),
    makeJob(broken, '/layer', { subject: 'broken' }),
    makeJob({ ...floor, command: ['/no/such/runtime'] }, '/layer', { subject: 'absent' }),
  ].map((job) => ({
    ...job,
    plan: (addresses: Parameters<typeof job.plan>[0]) => {
      const plan = job.plan(addresses);
      return { ...plan, environment: { ...plan.environment, BENCH_DOWNSTREAM: `http://${addresses.backend}/orders` } };
    },
  }));
  const { results, failed } = await runner.runRounds(jobs, 2, () => {});
  assert.deepEqual([...results.keys()].sort(), ['call', 'large', 'trivial']);
  for (const [name, runs] of results) {
    assert.equal(runs.length, 2, name);
    for (const run of runs) {
      assert.ok(run, name);
      assert.ok(run.initMs > 0 && run.coldMs >= run.initMs, name);
      assert.equal(run.warmUs.length, 5);
      assert.equal(run.afterUs.length, 5);
      assert.ok([...run.warmUs, ...run.afterUs, run.firstFlushMs].every((value) => value >= 0));
      // A handler's own call is no export.
      assert.deepEqual([run.datagrams, run.exports], [0, 0]);
    }
  }
  const reasons = new Map(failed.map(({ name, reason }) => [name, reason]));
  assert.match(reasons.get('broken')!, /^the process ended with 3/);
  assert.match(reasons.get('absent')!, /^the process ended with (126|127)/);
});
