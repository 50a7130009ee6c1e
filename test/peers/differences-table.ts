// docs/differences.md as data: which lines of an observation may differ from the managed runtimes'. The page is for people
// first; the test holds it to what is observed, in both directions.

import { readFileSync } from 'node:fs';

/** Which managed runtime something is compared with. */
export type Family = '22' | '24';

export type Difference = {
  readonly family: Family;
  /** `22`, `24`: our mode for that family. `default`: what is done without any setting. */
  readonly mode: Family | 'default';
  readonly caseName: string;
  readonly side: 'theirs' | 'ours';
  readonly line: string;
};

export type Row = {
  /** `P39`; several for some. */
  readonly items: readonly string[];
  /** `22` and `24` hold for that mode and for the default compared with that family; `default` for the default alone. */
  readonly against: readonly string[];
  readonly cases: readonly RegExp[];
  readonly theirs: readonly RegExp[];
  readonly ours: readonly RegExp[];
  /** Marked `(race)`: what differs depends on timing, so it need not differ in every run. */
  readonly isRace: boolean;
  /** The row as it stands on the page. */
  readonly text: string;
};

/** Rows of every table whose first cell names items of the parity list. */
export function readDifferences(path: URL): Row[] {
  const rows: Row[] = [];
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    const cells = text
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|'));
    const [items = '', against = '', cases = '', theirs = '', ours = '', reason = ''] = cells;
    if (!/^P\d/.test(items)) continue;
    if (cells.length !== 6 || reason === '') throw new Error(`docs/differences.md: not six cells: ${text}`);
    rows.push({
      items: items.replace('(race)', '').trim().split(/,\s*/),
      isRace: items.includes('(race)'),
      against: against.split(/,\s*/),
      cases: codesIn(cases).map((name) => new RegExp(`^${literally(name).replaceAll('\\*', '.*')}$`)),
      theirs: codesIn(theirs).map(pattern),
      ours: codesIn(ours).map(pattern),
      text,
    });
  }
  return rows;
}

/** What stands between backticks, single or double. */
function codesIn(cell: string): string[] {
  return [...cell.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , code]) => code!.trim());
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** `…` stands for anything. */
function pattern(code: string): RegExp {
  return new RegExp(`^${literally(code).replaceAll('…', '.*')}$`, 's');
}

export function explains(row: Row, { family, mode, caseName, side, line }: Difference): boolean {
  return (
    (row.against.includes(family) || (mode === 'default' && row.against.includes('default'))) &&
    row.cases.some((name) => name.test(caseName)) &&
    row[side].some((one) => one.test(line))
  );
}

/** Cells of a row that no difference has needed: modes, cases or patterns that differ no longer. */
export function idleParts(row: Row, differences: readonly Difference[]): string[] {
  if (row.isRace) return [];
  const explained = differences.filter((one) => row.against.includes(one.mode) && explains(row, one));
  const idle: string[] = [];
  for (const mode of row.against) {
    if (!explained.some((one) => one.mode === mode)) idle.push(`against ${mode}`);
  }
  for (const name of row.cases) {
    if (!explained.some((one) => name.test(one.caseName))) idle.push(`case ${name.source}`);
  }
  for (const side of ['theirs', 'ours'] as const) {
    for (const one of row[side]) {
      if (!explained.some((found) => found.side === side && one.test(found.line))) idle.push(`${side} ${one.source}`);
    }
  }
  return idle;
}
