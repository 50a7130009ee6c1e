// The budgets as data, and what a run's figures say about them.

import { readFileSync } from 'node:fs';
import type { Figures } from './figures.ts';
import { compareRounds, type Summary, summarize } from './statistics.ts';

export type Budget = {
  /** Row of the performance document; a row may have several. */
  readonly id: string;
  readonly title: string;
  readonly figure: string;
  readonly unit?: string;
  readonly of: string;
  readonly as: 'ratio' | 'difference' | 'value';
  /** What it is compared with, unless it is a value. */
  readonly to?: string;
  /** The acceptance. */
  readonly limit: number;
  /** Where it is to end. */
  readonly goal?: number;
};

export type BudgetTable = {
  /** Share of a limit that a measurement may be above it. Not for values that do not scatter. */
  readonly noiseAllowance: number;
  /** Factor on a limit for a machine that others work on. */
  readonly checkMargin: number;
  readonly budgets: readonly Budget[];
};

export type Verdict = 'goal' | 'ok' | 'over' | 'not measured';
export type Judgement = { readonly budget: Budget; readonly measured: Summary; readonly verdict: Verdict };

export const readBudgets = (): BudgetTable =>
  JSON.parse(readFileSync(new URL('budgets.json', import.meta.url), 'utf8')) as BudgetTable;

export function judge(figures: Figures, { budgets, noiseAllowance }: BudgetTable): Judgement[] {
  return budgets.map((budget) => {
    const measured = measure(figures, budget);
    const isCounted = budget.unit === 'B';
    return { budget, measured, verdict: verdictOf(measured.median, budget, isCounted ? 0 : noiseAllowance) };
  });
}

function measure(figures: Figures, { figure, of, as, to }: Budget): Summary {
  const own = figures.get(figure, of) ?? [];
  if (as === 'value') return summarize(own);
  return compareRounds(own, figures.get(figure, to ?? '') ?? [], as);
}

function verdictOf(value: number, { limit, goal }: Budget, allowance: number): Verdict {
  if (Number.isNaN(value)) return 'not measured';
  if (goal !== undefined && value <= goal) return 'goal';
  return value <= limit * (1 + allowance) ? 'ok' : 'over';
}

/** Those that are over their limit by more than the margin. What was not measured does not fail. */
export const findBroken = (judgements: readonly Judgement[], { checkMargin }: BudgetTable): Judgement[] =>
  judgements.filter(({ budget, measured }) => measured.median > budget.limit * checkMargin);
