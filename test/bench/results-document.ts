// The tables of docs/performance.md and README.md: what stands between its two marks is made from a result file.

import { formatNumber } from './report.ts';
import type { StoredResult } from './stored-result.ts';

const BEGIN = '<!-- results: made by test/bench/chart.ts -->';
const END = '<!-- end of results -->';

const columns = [
  { head: 'INIT ms', figure: 'start.initMs' },
  { head: 'cold ms', figure: 'start.coldMs' },
  { head: 'warm p50 µs', figure: 'warm.p50Us' },
  { head: 'after µs', figure: 'after.afterUs' },
  { head: 'MiB at start', figure: 'start.anonAtStartMib' },
  { head: 'MiB after 1000', figure: 'memory.anonAtEndMib' },
  { head: 'CPU µs', figure: 'memory.cpuUs' },
] as const;
/** Ratios to the official client are shown for these. */
const compared: ReadonlySet<string> = new Set(['start.initMs', 'start.coldMs', 'warm.p50Us']);

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The columns of the README, which has little room. */
const shortColumns: ReadonlySet<string> = new Set([
  'start.initMs',
  'start.coldMs',
  'warm.p50Us',
  'memory.anonAtEndMib',
]);

/** Markdown for the README: who is compared, and which budgets are not met. */
export function describeBriefly(result: StoredResult): string {
  const { budgets } = result;
  const over = budgets.filter(({ verdict }) => verdict === 'over');
  const measured = budgets.filter(({ measured: { median } }) => median !== undefined && !Number.isNaN(median));
  return [
    variantTable(result, shortColumns).join('\n'),
    '',
    `${measured.length - over.length} of the project's ${measured.length} performance budgets were met in this run${over.length === 0 ? '.' : `; not met: ${over.map(({ title }) => title).join('; ')}.`}`,
  ].join('\n');
}

/** Markdown. A figure without a value is `-`. */
export function describeResults(result: StoredResult): string {
  const { budgets, skipped } = result;
  return [
    ...variantTable(result),
    '',
    row(['budget', 'measured', 'limit', 'goal', '']),
    row(['---', '---:', '---:', '---:', '---']),
    ...budgets.map(({ id, title, unit, measured, limit, goal, verdict }) =>
      row([
        `${id} ${title}${unit === undefined ? '' : `, ${unit}`}`,
        formatNumber(measured.median ?? Number.NaN),
        formatNumber(limit),
        goal === undefined ? '' : formatNumber(goal),
        verdict,
      ]),
    ),
    ...(skipped.length === 0 ? [] : ['', `Not measured: ${skipped.map(({ name }) => name).join('; ')}.`]),
  ].join('\n');
}

function variantTable(result: StoredResult, only?: ReadonlySet<string>): string[] {
  const { medians, ratioToRic, titles, machine, date, node, rounds, memoryMb } = result;
  const shown = columns.filter(({ figure }) => medians[figure] !== undefined && (only?.has(figure) ?? true));
  const heads = shown.flatMap(({ head, figure }) => (compared.has(figure) ? [head, '/ RIC'] : [head]));
  const variants = Object.keys(titles).filter((name) =>
    shown.some(({ figure }) => medians[figure]?.[name] !== undefined),
  );
  const number = (table: StoredResult['medians'], figure: string, name: string): string =>
    formatNumber(table[figure]?.[name]?.median ?? Number.NaN);
  return [
    `${date.slice(0, 10)}, Node ${node}, ${machine.cpu}, ${machine.cores} cores, ${machine.system}; ${rounds} interleaved rounds, a function`,
    `of ${memoryMb} MB, trivial handler. Medians; ratios are medians of the ratios of neighbouring runs.`,
    '',
    row(['', ...heads]),
    row(['---', ...heads.map(() => '---:')]),
    ...variants.map((name) =>
      row([
        titles[name] ?? name,
        ...shown.flatMap(({ figure }) => {
          const value = number(medians, figure, name);
          return compared.has(figure) ? [value, number(ratioToRic, figure, name)] : [value];
        }),
      ]),
    ),
  ];
}

/** The document with its results replaced. Throws when the marks are not there. */
export function putResults(document: string, result: StoredResult, describe = describeResults): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`the document has no place for results between "${BEGIN}" and "${END}"`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${describe(result)}\n\n${document.slice(end)}`;
}
