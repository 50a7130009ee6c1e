// The result of a run, as an object for programs and as tables for people.

import type { Judgement } from './budgets.ts';
import type { Figures } from './figures.ts';
import type { Machine } from './machine.ts';
import { compareRounds, quantile, type Summary, summarize } from './statistics.ts';
import type { Skipped, Variant } from './variant.ts';

export type BenchResult = {
  /** Day and minute, UTC. */
  readonly date: string;
  readonly node: string;
  readonly machine: Machine;
  /** Load average before the run. */
  readonly loadAverage: number;
  readonly rounds: number;
  readonly memoryMb: number;
  readonly titles: Readonly<Record<string, string>>;
  readonly figures: Figures;
  readonly judgements: readonly Judgement[];
  readonly skipped: readonly Skipped[];
};

/**
 * What a subject is compared with: the official client without tracing, or the floor, with the same function and event. Everybody
 * knows the first, so most ratios are to it.
 */
export function baseOf(subject: string, base: 'ric' | 'floor'): string {
  const comma = subject.indexOf(',');
  const [name, load] = comma < 0 ? [subject, ''] : [subject.slice(0, comma), subject.slice(comma)];
  if (name.startsWith('orders-')) return `orders-${base}${load}`;
  return `${base}${name.endsWith('-http') ? '-http' : ''}${load}`;
}

/** The object of `--json`: values per round, medians with their 95 % intervals, ratios to floor and official client, budgets. */
export function toJson({ figures, judgements, ...rest }: BenchResult): object {
  return {
    ...rest,
    medians: perFigure(figures, (own) => summarize(own)),
    ratioToRic: perFigure(figures, (...given) => ratioTo(figures, 'ric', ...given)),
    ratioToFloor: perFigure(figures, (...given) => ratioTo(figures, 'floor', ...given)),
    budgets: judgements.map(({ budget, measured, verdict }) => ({ ...budget, measured, verdict })),
    values: figures,
  };
}

const ratioTo = (
  figures: Figures,
  base: 'ric' | 'floor',
  own: readonly number[],
  figure: string,
  subject: string,
): Summary => compareRounds(own, figures.get(figure, baseOf(subject, base)) ?? [], 'ratio');

function perFigure(
  figures: Figures,
  compute: (own: readonly number[], figure: string, subject: string) => Summary,
): object {
  return Object.fromEntries(
    figures.names.map((figure) => [
      figure,
      Object.fromEntries(
        figures.subjects(figure).flatMap((subject) => {
          const { n, ...numbers } = compute(figures.get(figure, subject) ?? [], figure, subject);
          const rounded = Object.entries(numbers).map(([name, value]) => [name, Number(value.toPrecision(5))]);
          return n === 0 ? [] : [[subject, { ...Object.fromEntries(rounded), n }]];
        }),
      ),
    ]),
  );
}

type Column = { readonly head: string; readonly figure: string; readonly hasRatio: boolean };

const columns: readonly Column[] = [
  { head: 'INIT ms', figure: 'start.initMs', hasRatio: true },
  { head: 'cold ms', figure: 'start.coldMs', hasRatio: true },
  { head: 'warm µs', figure: 'warm.p50Us', hasRatio: true },
  { head: 'p99 µs', figure: 'warm.p99Us', hasRatio: false },
  { head: 'after µs', figure: 'after.afterUs', hasRatio: false },
  { head: 'flush 1 ms', figure: 'start.firstFlushMs', hasRatio: false },
  { head: 'anon MiB', figure: 'start.anonAtStartMib', hasRatio: false },
  { head: 'after 1000', figure: 'memory.anonAtEndMib', hasRatio: false },
  { head: 'CPU µs', figure: 'memory.cpuUs', hasRatio: false },
];

/** Three digits, and no more places than they give. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (Math.abs(value) >= 10_000) return Math.round(value).toLocaleString('en');
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(places);
}

/** Rows of cells, the first column to the left, the others to the right. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (sofar, row) => row.map((cell, at) => Math.max(sofar[at] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function variantTable(figures: Figures, variants: readonly Variant[]): string {
  const shown = columns.filter(({ figure }) => figures.subjects(figure).length > 0);
  const heads = shown.flatMap(({ head, hasRatio }) => (hasRatio ? [head, '/ RIC'] : [head]));
  const rows = variants
    .filter(({ name }) => shown.some(({ figure }) => figures.get(figure, name) !== undefined))
    .map(({ name, title }) => [
      title,
      ...shown.flatMap(({ figure, hasRatio }) => {
        const own = figures.get(figure, name) ?? [];
        const value = formatNumber(summarize(own).median);
        if (!hasRatio) return [value];
        return [value, formatNumber(ratioTo(figures, 'ric', own, figure, name).median)];
      }),
    ]);
  return rows.length === 0 ? '' : layOut([['trivial handler', ...heads], ...rows]);
}

const growthFigures = ['spans', 'event', 'modules', 'orders', 'share'] as const;

function growthTable(figures: Figures, group: string): string {
  const names = figures.names.filter((figure) => figure.startsWith(`${group}.`));
  const subjects = [...new Set(names.flatMap((figure) => figures.subjects(figure)))];
  if (subjects.length === 0) return '';
  const rows = subjects.map((subject) => [
    subject,
    ...names.map((figure) => formatNumber(summarize(figures.get(figure, subject) ?? []).median)),
  ]);
  return layOut([[group, ...names.map((figure) => figure.slice(group.length + 1))], ...rows]);
}

/** Where the lower ends meet: on a noisy machine closer to the truth than the median, and no substitute for a quiet one. */
function quietValue(figures: Figures, { budget }: Judgement): number {
  const low = (subject: string): number => quantile(figures.get(budget.figure, subject) ?? [], 0.1);
  if (budget.as === 'value') return low(budget.of);
  const [own, base] = [low(budget.of), low(budget.to ?? '')];
  return budget.as === 'ratio' ? own / base : own - base;
}

export function budgetTable({ figures, judgements }: Pick<BenchResult, 'figures' | 'judgements'>): string {
  const rows = judgements.map((judgement) => {
    const { budget, measured, verdict } = judgement;
    const { id, title, unit, limit, goal } = budget;
    return [
      `${id.padEnd(4)}${title}${unit === undefined ? '' : `, ${unit}`}`,
      formatNumber(measured.median),
      measured.n < 2 ? '' : `${formatNumber(measured.low)} … ${formatNumber(measured.high)}`,
      measured.n < 2 ? '' : formatNumber(quietValue(figures, judgement)),
      formatNumber(limit),
      goal === undefined ? '' : formatNumber(goal),
      verdict,
    ];
  });
  return layOut([['budget', 'measured', '95 %', 'lowest 10th', 'limit', 'goal', ''], ...rows]);
}

const SHOWN_REASON = 240;

/** What a process said last is in the last lines of a reason, how it ended in the first. */
function shorten(reason: string): string {
  const lines = reason.split('\n').filter((line) => line.trim() !== '');
  const error = lines.find((line, at) => at > 0 && /error/i.test(line));
  return [lines[0], error]
    .filter((line) => line !== undefined)
    .join(' ')
    .slice(0, SHOWN_REASON);
}

export function describeResult(result: BenchResult, variants: readonly Variant[]): string {
  const { machine, node, rounds, memoryMb, date, figures, skipped } = result;
  const pinned = machine.isPinned ? 'runtime and stub each on a core of its own' : 'nothing pinned';
  const head =
    `${date}, Node ${node}, ${machine.cpu}, ${machine.cores} cores, ${machine.system}, ${pinned}, ` +
    `${rounds} interleaved rounds, function of ${memoryMb} MB; medians, ratios are medians of paired ratios`;
  return [
    head,
    variantTable(figures, variants),
    ...growthFigures.map((group) => growthTable(figures, group)),
    budgetTable(result),
    skipped.map(({ name, reason }) => `skipped: ${name}: ${shorten(reason)}`).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
