// The table that the test run prints: for each item of the parity list what has shown it, and where this runtime differs on
// purpose.

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CaseVerdict } from './comparison.ts';
import type { Row } from './differences-table.ts';
import { itemOrder, parityItems } from './parity-items.ts';
import type { PeerCase } from './peer-case.ts';

const TESTS = fileURLToPath(new URL('..', import.meta.url));

/** How often the names of other tests mention each item: `test('P39 …`. */
export function countOtherTests(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const file of globSync('**/*.test.ts', { cwd: TESTS })) {
    if (file.startsWith('peers/')) continue;
    const source = readFileSync(`${TESTS}/${file}`, 'utf8');
    for (const match of source.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)) {
      for (const id of new Set(match[2]!.match(/\bP\d+\b/g))) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}

export type ParityRow = {
  readonly id: string;
  readonly title: string;
  /** Cases times three modes in which nothing differs. */
  readonly same: number;
  /** Cases times three modes in which something differs, and all of it stands in docs/differences.md. */
  readonly intended: number;
  readonly unexplained: number;
  readonly rows: number;
  readonly otherTests: number;
  readonly unseen: string | undefined;
};

export function makeParityTable(
  cases: readonly PeerCase[],
  verdicts: ReadonlyMap<string, CaseVerdict>,
  rows: readonly Row[],
  otherTests: ReadonlyMap<string, number>,
): ParityRow[] {
  return [...parityItems]
    .sort(([a], [b]) => itemOrder(a, b))
    .map(([id, { title, unseen }]) => {
      let [same, intended, unexplained] = [0, 0, 0];
      for (const { name, items } of cases) {
        const verdict = items.includes(id) ? verdicts.get(name) : undefined;
        if (verdict === undefined) continue;
        for (const mode of ['22', '24', 'default'] as const) {
          if (verdict.unexplained.some((one) => one.mode === mode)) unexplained++;
          else if (verdict.differing.has(mode)) intended++;
          else same++;
        }
      }
      return {
        id,
        title,
        same,
        intended,
        unexplained,
        rows: rows.filter((row) => row.items.includes(id)).length,
        otherTests: otherTests.get(id) ?? 0,
        unseen,
      };
    });
}

export const isCovered = ({ same, intended, otherTests, unseen }: ParityRow): boolean =>
  same + intended + otherTests > 0 || unseen !== undefined;

export function formatParityTable(table: readonly ParityRow[]): string {
  const line = (...[id, title, ...numbers]: readonly (string | number)[]): string =>
    `${`${id}`.padEnd(6)}${`${title}`.padEnd(48)}${numbers.map((number) => `${number || '·'}`.padStart(9)).join('')}`;
  const sum = (key: 'same' | 'intended' | 'unexplained' | 'rows' | 'otherTests'): number =>
    table.reduce((total, row) => total + row[key], 0);
  return [
    line('item', 'cases of test/peers, in three modes each', 'same', 'intended', 'rows', 'other', 'unexpl.'),
    ...table.map((row) =>
      row.unseen !== undefined && row.same + row.intended + row.otherTests === 0
        ? `${row.id.padEnd(6)}${row.title}: not shown, ${row.unseen}`
        : line(row.id, row.title, row.same, row.intended, row.rows, row.otherTests, row.unexplained),
    ),
    line('', 'sum', sum('same'), sum('intended'), sum('rows'), sum('otherTests'), sum('unexplained')),
    `${table.filter(isCovered).length} of ${table.length} items covered, ${sum('unexplained')} unexplained differences`,
  ].join('\n');
}
