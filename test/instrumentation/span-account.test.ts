import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DropReason, SpanAccount } from '../../instrumentation/span-account.ts';
import { fc } from '../support/property.ts';

const describe = (account: SpanAccount): Record<string, unknown> => {
  const attributes = {};
  account.describe(attributes);
  return attributes;
};

test('nothing was lost: nothing is said', () => {
  const account = new SpanAccount('otlp');
  account.settle(5);
  account.drop('refused', 0);
  assert.deepEqual([account.hasLosses, describe(account), account.sent], [false, {}, 5]);
});

test('losses stand on a span by account and reason; the log has a line', () => {
  const account = new SpanAccount('xray', { begun: 20, settled: 0, inFlight: 0 });
  account.settle(5);
  account.drop('refused', 2);
  account.drop('killed', 3);
  account.drop('refused', 1);
  account.resend(4);
  assert.equal(account.hasLosses, true);
  assert.deepEqual(describe(account), {
    'spanstrap.dropped.xray.refused': 3,
    'spanstrap.dropped.xray.killed': 3,
    'spanstrap.resent.xray': 4,
  });
  assert.equal(
    account.summary,
    'xray spans of this environment: 5 sent by this process, dropped: refused 3, killed 3, 4 perhaps sent twice, ' +
      '9 kept for the next process',
  );
});

test('numbers go on where an earlier process ended, and only its own count as dropped by this one', () => {
  const first = new SpanAccount('otlp');
  first.drop('refused', 2);
  first.resend(1);
  const second = new SpanAccount('otlp');
  second.carryOn(JSON.parse(JSON.stringify(first.losses)));
  second.drop('refused', 5);
  assert.deepEqual(describe(second), { 'spanstrap.dropped.otlp.refused': 7, 'spanstrap.resent.otlp': 1 });
  assert.equal(second.droppedSpans, 5);
});

test('what is neither settled nor dropped is outstanding, over any number of steps', () => {
  const reason = fc.constantFrom<DropReason>('queue_full', 'memory', 'refused', 'killed');
  const step = fc.tuple(fc.nat(50), fc.option(reason));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const count = { begun: 10_000, settled: 0, inFlight: 0 };
      const account = new SpanAccount('otlp', count);
      for (const [spans, dropped] of steps) {
        if (dropped === null) account.settle(spans);
        else account.drop(dropped, spans);
      }
      const total = steps.reduce((sum, [spans]) => sum + spans, 0);
      assert.equal(account.outstanding, 10_000 - total);
      assert.equal(account.sent + account.droppedSpans, total);
    }),
  );
});
