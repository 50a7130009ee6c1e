// Chaos: environments that live through a random schedule of faults. Afterwards the same holds as in the ledger. The seed is printed;
// SPANSTRAP_CHAOS_SEED=SEED lives the same lives again, SPANSTRAP_CHAOS_SECONDS says for how long (`npm run chaos`: ten minutes).

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { type ChaosStep, chaosLife } from './chaos-schedule.ts';
import { droppedOf } from './ledger-balance.ts';
import { LedgerEnvironment, type LedgerTls } from './ledger-environment.ts';
import { type Answers, answersOfUntraced, assertNothingLost, prepareTls, settleBooks, whyNot } from './loss-rules.ts';

const SECONDS = Number(process.env.SPANSTRAP_CHAOS_SECONDS ?? (process.env.CI ? 60 : 30));
const SEED = Number(process.env.SPANSTRAP_CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const ENVIRONMENTS_AT_ONCE = availableParallelism() * 2;

test('a seed gives the same life every time, and another seed another one', () => {
  assert.deepEqual(chaosLife(7), chaosLife(7));
  assert.notDeepEqual(chaosLife(7), chaosLife(8));
  const steps = Array.from({ length: 200 }, (_, seed) => chaosLife(seed).steps).flat();
  const kinds = new Set(
    steps.map((step) => (step.do === 'fault' ? step.fault.kind : step.do === 'invoke' ? step.end : step.do)),
  );
  assert.equal(kinds.size, 8 + 6 + 3, [...kinds].join());
});

const limits = { skip: whyNot(), timeout: (SECONDS + 120) * 1000 };

test(`${SECONDS} s of faults at random: every span is delivered or counted`, limits, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const tls = await prepareTls(t);
  const untraced = await answersOfUntraced(tls);
  const until = performance.now() + SECONDS * 1000;
  const failures: string[] = [];
  const sum = { environments: 0, invocations: 0, begun: 0, delivered: 0, dropped: 0, doubled: 0, resent: 0 };
  let next = SEED;
  const serve = async (): Promise<void> => {
    while (performance.now() < until && failures.length === 0) {
      const seed = next++;
      try {
        const { invocations, balances } = await live(seed, tls, untraced);
        sum.environments++;
        sum.invocations += invocations;
        for (const balance of balances) {
          sum.begun += balance.begun;
          sum.delivered += balance.delivered;
          sum.dropped += droppedOf(balance);
          sum.doubled += balance.doubled;
          sum.resent += balance.resent;
        }
      } catch (error) {
        failures.push(
          `SPANSTRAP_CHAOS_SEED=${seed} SPANSTRAP_CHAOS_SECONDS=1 begins with it: ${(error as Error).message}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: ENVIRONMENTS_AT_ONCE }, serve));
  t.diagnostic(
    Object.entries(sum)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  assert.deepEqual(failures, []);
  assert.ok(sum.environments > 0 && sum.delivered > 0);
});

async function live(seed: number, tls: LedgerTls, untraced: Answers) {
  const { variables, steps } = chaosLife(seed);
  const environment = await LedgerEnvironment.start('async', 'healthy', tls, variables);
  const take = (step: ChaosStep): Promise<unknown> => {
    switch (step.do) {
      case 'fault':
        return environment.proxy.set(step.fault);
      case 'daemon':
        return environment.setDaemon(step.isThere);
      case 'invoke':
        return environment.invoke(step.end);
      case 'freeze':
        return environment.pause(step.isLong ? 'long freeze' : 'freeze');
      case 'shutdown':
        return environment.shutDown();
    }
  };
  try {
    for (const step of steps) await take(step);
    await environment.setDaemon(true);
    await environment.proxy.heal();
    const balances = await settleBooks(environment);
    assertNothingLost(environment, balances, untraced);
    return { invocations: environment.entries.length, balances: [balances.otlp, balances.xray] };
  } finally {
    await environment.close();
  }
}
