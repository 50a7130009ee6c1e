// The ledger where the sampler wants nothing and `SPANSTRAP_OTLP_KEEP` keeps what fails: of the invocations that fail, time out or
// die every span is delivered or counted, and of all others there is nothing, neither there nor in the books.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BACKENDS, type Cell, MODES, pairwiseCells } from './fault-matrix.ts';
import { balanceOf, deliveriesOfSpans, droppedOf, isCounted, isSettled } from './ledger-balance.ts';
import { LedgerEnvironment } from './ledger-environment.ts';
import { readLedger, SPANS_PER_INVOCATION } from './ledger-function.ts';
import { answersOfUntraced, assertNothingLost, ownLines, prepareTls, settleBooks, whyNot } from './loss-rules.ts';

const OF_INTEREST: readonly (typeof BACKENDS)[number][] = ['healthy', 'down', 'hanging', '500', 'daemon gone'];
const ENVIRONMENTS_AT_ONCE = 4;
/** Initialization and its four steps. */
const INIT_SPANS = 5;
const RULES = { OTEL_TRACES_SAMPLER: 'always_off', SPANSTRAP_OTLP_KEEP: 'errors' };

test('F172: what is kept is delivered or counted, and nothing else is', {
  skip: whyNot(),
  timeout: 600_000,
}, async (t) => {
  const cells = pairwiseCells().filter(({ backend }) => OF_INTEREST.includes(backend));
  const groups = MODES.flatMap((mode) =>
    OF_INTEREST.map((backend) => cells.filter((cell) => cell.mode === mode && cell.backend === backend)),
  ).filter(({ length }) => length > 0);
  const tls = await prepareTls(t);
  const untraced = await answersOfUntraced(tls);
  const failures: string[] = [];
  const sum = { invocations: 0, kept: 0, begun: 0, delivered: 0, dropped: 0 };
  const work = groups.values();
  const serve = async (): Promise<void> => {
    for (const own of work) {
      const [{ mode, backend }] = own as [Cell];
      const environment = await LedgerEnvironment.start(mode, backend, tls, RULES);
      try {
        for (const cell of own) await environment.run(cell);
        const { xray } = await settleBooks(environment);
        const { entries } = environment;
        const kept = entries.filter(({ end }) => end !== 'normal');
        const created = readLedger(environment.ledgerPath).filter((serial) =>
          kept.some(({ first }) => serial >= first && serial < first + SPANS_PER_INVOCATION),
        );
        const deliveries = deliveriesOfSpans(environment.spans);
        const { losses } = environment;
        const otlp = balanceOf('otlp', { entries: kept, created, deliveries, losses, initSpans: INIT_SPANS });
        // X-Ray has its own decision: of all invocations, as ever.
        assertNothingLost(environment, { otlp, xray }, untraced);
        assert.ok(isSettled(otlp) && isCounted(otlp), JSON.stringify(otlp));
        const exact = otlp.droppedByReason.unknown_fate === undefined && otlp.resent === 0;
        if (exact) assert.equal(otlp.delivered + droppedOf(otlp), otlp.begun, ownLines(environment).join('\n'));
        sum.invocations += entries.length;
        sum.kept += kept.length;
        sum.begun += otlp.begun;
        sum.delivered += otlp.delivered;
        sum.dropped += droppedOf(otlp);
      } catch (error) {
        failures.push(`${mode}, ${backend}: ${(error as Error).message}`);
      } finally {
        await environment.close();
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
  assert.ok(sum.kept > 20 && sum.invocations > sum.kept && sum.delivered > 0);
});
