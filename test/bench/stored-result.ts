// A result of `npm run bench -- --output`, as far as charts and documents read it.

import type { Budget, Verdict } from './budgets.ts';
import type { Machine } from './machine.ts';
import type { Summary } from './statistics.ts';

/** By figure and subject. */
type Table = Readonly<Record<string, Readonly<Record<string, Summary>>>>;

export type StoredResult = {
  readonly date: string;
  readonly node: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly memoryMb: number;
  readonly titles: Readonly<Record<string, string>>;
  readonly medians: Table;
  readonly ratioToRic: Table;
  readonly budgets: readonly (Budget & { readonly measured: Summary; readonly verdict: Verdict })[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
};
