// Entry of the bundle `settings-check`: what is wrong with the settings, in words. Loaded only when something is, or when there is a
// variable with our prefix that the settings of the start do not know.

import { allSettings, otherVariables } from './all-settings.ts';
import { describeUnusable } from './settings-problems.ts';
import type { UnusableText } from './settings-reader.ts';

/** One line for each text that cannot be used, and for each variable that is no setting at all. */
export function describeProblems(unusable: readonly UnusableText[], variables: readonly string[]): string[] {
  const known = new Set<string>([...Object.values(allSettings).flatMap(({ env }) => env), ...otherVariables]);
  const unknown = variables.filter((variable) => !known.has(variable));
  return [
    ...unusable.map(describeUnusable),
    ...unknown.map((variable) => `${variable} is no setting of spanstrap${suggest(variable, known)}`),
  ];
}

function suggest(variable: string, known: ReadonlySet<string>): string {
  let best: string | undefined;
  let bestDistance = 4;
  for (const name of known) {
    if (!name.startsWith('SPANSTRAP_')) continue;
    const distance = editDistance(variable, name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
