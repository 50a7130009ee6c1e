// Compares what our runtime did with what the managed runtimes did. Our two modes must do what their family does. The default
// must do, invocation by invocation, what one of the two families does.

import { type Difference, explains, type Family, type Row } from './differences-table.ts';
import { differingLines } from './normal-form.ts';
import type { Observation } from './observation.ts';
import type { Observations } from './subjects.ts';

export type CaseVerdict = {
  /** What differs and stands in no row. */
  readonly unexplained: readonly Difference[];
  /** Everything that differs where a row was looked for. */
  readonly differences: readonly Difference[];
  /** Modes in which something differs. The default's: from both families. */
  readonly differing: ReadonlySet<Difference['mode']>;
};

export function compareCase(caseName: string, seen: Observations, rows: readonly Row[]): CaseVerdict {
  const differences: Difference[] = [];
  const unexplained: Difference[] = [];
  const differing = new Set<Difference['mode']>();
  const isExplained = (one: Difference): boolean => rows.some((row) => explains(row, one));
  for (const [family, theirs, ours] of [
    ['22', seen.managed22, seen.node22],
    ['24', seen.managed24, seen.node24],
  ] as const) {
    const found = differencesOf({ family, mode: family, caseName }, theirs, ours);
    differences.push(...found);
    unexplained.push(...found.filter((one) => !isExplained(one)));
    if (found.length > 0) differing.add(family);
  }
  const byDefault = unitsOf(seen.byDefault);
  const of22 = unitsOf(seen.managed22);
  const of24 = unitsOf(seen.managed24);
  for (const unit of new Set([...byDefault.keys(), ...of22.keys(), ...of24.keys()])) {
    const look = (family: Family, theirs: Units): Difference[] =>
      differencesOf({ family, mode: 'default', caseName }, theirs.get(unit) ?? [], byDefault.get(unit) ?? []);
    const found = [look('22', of22), look('24', of24)];
    const left = found.map((some) => some.filter((one) => !isExplained(one)));
    differences.push(...found.flat());
    if (found.every((some) => some.length > 0)) differing.add('default');
    // It follows the family that it differs from in nothing that a row would have to explain.
    if (left.every((some) => some.length > 0)) unexplained.push(...left.flat());
  }
  return { unexplained, differences, differing };
}

function differencesOf(
  what: Pick<Difference, 'family' | 'mode' | 'caseName'>,
  theirs: Observation,
  ours: Observation,
): Difference[] {
  const { onlyTheirs, onlyOurs } = differingLines(theirs, ours);
  return [
    ...onlyTheirs.map((line): Difference => ({ ...what, side: 'theirs', line })),
    ...onlyOurs.map((line): Difference => ({ ...what, side: 'ours', line })),
  ];
}

type Units = Map<string, string[]>;

/** The lines of each invocation, and those of none. */
function unitsOf(seen: Observation): Units {
  return Map.groupBy(seen, (line) => {
    const number = /^(?:answer|head|cause|trailer) (\d+):|request-(\d+)|^exit: in invocation (\d+)/.exec(line);
    return number?.[1] ?? number?.[2] ?? number?.[3] ?? 'none';
  });
}
