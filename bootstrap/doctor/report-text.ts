// How the doctor's report looks: chapters of labelled lines, in columns. Nothing of what stands in it.

export type Line = readonly [label: string, text: string];

/** Chapters without lines are left out. */
export type Chapter = readonly [title: string, lines: readonly Line[]];

export function reportText(title: string, chapters: readonly Chapter[]): string {
  const filled = chapters.filter(([, lines]) => lines.length > 0);
  return [title, ...filled.flatMap(([chapter, lines]) => [chapter, ...inColumns(lines)])].join('\n');
}

function inColumns(lines: readonly Line[]): string[] {
  const width = Math.max(...lines.map(([label]) => label.length));
  // A text from elsewhere must not look like lines of the report.
  return lines.map(([label, text]) => `  ${label.padEnd(width)}  ${text.replace(/[\r\n]+/g, ' ')}`);
}

/** `0.42 ms`, `7.1 ms`, `130 ms`. */
export function showMs(ms: number): string {
  return `${ms >= 100 ? Math.round(ms) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

export const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
