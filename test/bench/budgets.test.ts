// Budgets: verdicts over made-up figures, and the table itself.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Budget, type BudgetTable, findBroken, judge, readBudgets } from './budgets.ts';
import { Figures } from './figures.ts';

const budget: Budget = { id: 'B0', title: 'x', figure: 'f', of: 'a', as: 'ratio', to: 'b', limit: 1, goal: 0.9 };
const table = (...budgets: Budget[]): BudgetTable => ({ noiseAllowance: 0.03, checkMargin: 1.3, budgets });

const verdict = (values: readonly number[], given: Budget): string => {
  const figures = new Figures();
  figures.set('f', 'a', values);
  figures.set('f', 'b', [10, 10, 10]);
  return judge(figures, table(given))[0]!.verdict;
};

suite('verdicts', () => {
  test('a ratio', () => {
    assert.equal(verdict([8, 8.9, 9], budget), 'goal');
    assert.equal(verdict([9.5, 9.6, 9.4], budget), 'ok');
    assert.equal(verdict([10.2, 10.25, 10.3], budget), 'ok', 'within the allowance for noise');
    assert.equal(verdict([10.4, 10.5, 10.6], budget), 'over');
  });

  test('a difference', () => {
    const difference = { ...budget, as: 'difference', limit: 5, goal: 2 } as const;
    assert.equal(verdict([11, 12, 13], difference), 'goal');
    assert.equal(verdict([14, 14, 14], difference), 'ok');
    assert.equal(verdict([16, 16, 16], difference), 'over');
  });

  test('a value, and no allowance for bytes', () => {
    const { to: _, ...rest } = budget;
    const value: Budget = { ...rest, as: 'value', limit: 100 };
    assert.equal(verdict([102], { ...value, goal: 50 }), 'ok');
    assert.equal(verdict([101], { ...value, unit: 'B', goal: 50 }), 'over');
  });

  test('no figure: not measured, which breaks nothing', () => {
    const judged = judge(new Figures(), table(budget));
    assert.equal(judged[0]!.verdict, 'not measured');
    assert.deepEqual(findBroken(judged, table(budget)), []);
  });

  test('only what is over by more than the margin is broken', () => {
    const figures = new Figures();
    figures.set('f', 'a', [12.5, 12.5]);
    figures.set('f', 'b', [10, 10]);
    assert.equal(findBroken(judge(figures, table(budget)), table(budget)).length, 0);
    figures.set('f', 'a', [13.5, 13.5]);
    assert.equal(findBroken(judge(figures, table(budget)), table(budget)).length, 1);
  });
});

test('the table has every row from B1 to B16, and each is complete', () => {
  const { budgets, noiseAllowance, checkMargin } = readBudgets();
  assert.deepEqual(
    [...new Set(budgets.map(({ id }) => id))],
    Array.from({ length: 16 }, (_, at) => `B${at + 1}`),
  );
  assert.ok(noiseAllowance < 0.1 && checkMargin > 1);
  for (const { title, as, to, limit, goal } of budgets) {
    assert.equal(as === 'value', to === undefined, title);
    if (goal !== undefined) assert.ok(goal < limit, title);
  }
});
