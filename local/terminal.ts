// Text for a terminal: widths in columns, truncation, durations, and colours only where they were asked for.

export type Style = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'bold' | 'dim';

const codes: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
};

/** A painter: wraps text in escape codes, or returns it as it is. */
export const styleOf =
  (isColored: boolean) =>
  (style: Style, text: string): string =>
    isColored && text.trim() !== '' ? `\x1b[${codes[style]}m${text}\x1b[0m` : text;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const WIDE =
  /\p{Emoji_Presentation}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uff01-\uff60]/u;

const columnsOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);

/** Columns that a text takes, without escape codes in it. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOf(segment);
  return columns;
}

/** At most `columns` columns; `cut` stands for what was left out at the end. Control characters are never let through. */
export function truncated(text: string, columns: number, cut: string): string {
  const clean = printable(text);
  if (widthOf(clean) <= columns) return clean;
  let kept = '';
  let used = widthOf(cut);
  for (const { segment } of segmenter.segment(clean)) {
    used += columnsOf(segment);
    if (used > columns) break;
    kept += segment;
  }
  return kept + cut;
}

/** The same with the end kept: of a path that says the most. */
export function truncatedAtStart(text: string, columns: number, cut: string): string {
  const clean = printable(text);
  if (widthOf(clean) <= columns) return clean;
  let kept = '';
  let used = widthOf(cut);
  for (const { segment } of [...segmenter.segment(clean)].reverse()) {
    used += columnsOf(segment);
    if (used > columns) break;
    kept = segment + kept;
  }
  return cut + kept;
}

/** Control and format characters replaced: a span's name must not be able to move the cursor. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '·');

/** Milliseconds as a person reads them: `0.34 ms`, `3.4 ms`, `118 ms`, `1.24 s`, `2 m 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 0.995) return `${Number(ms.toFixed(2))} ms`;
  if (ms < 9.95) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${Number((ms / 1000).toFixed(2))} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `640 B`, `1.9 KB`, `2.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
