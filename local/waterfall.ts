// Draws a trace for a terminal: a tree of names, durations, and bars on a common time axis. Pure: spans in, lines out.

import { formatDuration, printable, type Style, styleOf, truncated, truncatedAtStart, widthOf } from './terminal.ts';
import { type TraceNode, type TraceSpan, treeOf } from './trace-tree.ts';

export type WaterfallOptions = {
  /** 80 when not given; never less than 50. */
  readonly columns?: number;
  readonly isAscii?: boolean;
  readonly isColored?: boolean;
};

type Glyphs = {
  readonly branch: string;
  readonly lastBranch: string;
  readonly trunk: string;
  readonly error: string;
  readonly cut: string;
  readonly full: string;
  readonly leftHalf: string;
  readonly rightHalf: string;
  readonly open: string;
};

const unicode: Glyphs = {
  branch: '├─ ',
  lastBranch: '└─ ',
  trunk: '│  ',
  error: '✗',
  cut: '…',
  full: '━',
  leftHalf: '╸',
  rightHalf: '╺',
  open: '┄',
};

const ascii: Glyphs = {
  branch: '|- ',
  lastBranch: '`- ',
  trunk: '|  ',
  error: '!',
  cut: '~',
  full: '=',
  leftHalf: '=',
  rightHalf: '=',
  open: '>',
};

type Row = { readonly span: TraceSpan; readonly tree: string; readonly style: Style };

const NARROWEST_COLUMNS = 50;
const DURATION_COLUMNS = 8;
/** One blank on each side of the durations, one column for the error mark. */
const GAPS_COLUMNS = 4;

/** Fixed, so that a phase is recognised before its name is read. */
const phaseStyles: Readonly<Record<string, Style>> = {
  Initialization: 'yellow',
  Invocation: 'green',
  Overhead: 'magenta',
};

/** Lines of at most `columns` columns: a ruler, then one line for each span. No lines for no spans. */
export function drawWaterfall(spans: readonly TraceSpan[], options: WaterfallOptions = {}): string[] {
  const { isAscii = false, isColored = false } = options;
  const columns = Math.max(options.columns ?? 80, NARROWEST_COLUMNS);
  const glyphs = isAscii ? ascii : unicode;
  const rows = [...rowsOf(treeOf(spans), glyphs)];
  if (rows.length === 0) return [];
  const longest = Math.max(...rows.map(({ span, tree }) => widthOf(tree + labelOf(span))));
  const nameColumns = Math.min(longest, Math.floor((columns - DURATION_COLUMNS - GAPS_COLUMNS) * 0.5));
  const barColumns = columns - nameColumns - DURATION_COLUMNS - GAPS_COLUMNS;
  const from = Math.min(...rows.map(({ span }) => span.startMs));
  const until = Math.max(...rows.map(({ span }) => span.endMs ?? span.startMs), from + 0.001);
  const paint = styleOf(isColored);
  const axis: Axis = { from, until, columns: barColumns };
  const margin = ' '.repeat(nameColumns + DURATION_COLUMNS + GAPS_COLUMNS);
  const lines = rows.map((row) => {
    const { span } = row;
    const mark = span.isError ? paint('red', glyphs.error) : ' ';
    const duration = span.endMs === undefined ? 'open' : formatDuration(span.endMs - span.startMs);
    const bar = paint(row.style, drawBar(span, axis, glyphs));
    return `${drawName(row, nameColumns, glyphs, paint)} ${mark} ${duration.padStart(DURATION_COLUMNS)} ${bar}`.trimEnd();
  });
  return [paint('dim', `${margin}${drawRuler(axis)}`.trimEnd()), ...lines];
}

function* rowsOf(
  nodes: readonly TraceNode[],
  glyphs: Glyphs,
  parent?: { trunk: string; style: Style },
): Generator<Row> {
  for (const [index, { span, children }] of nodes.entries()) {
    const isLast = index === nodes.length - 1;
    const inherited = parent?.style === 'yellow' ? 'yellow' : 'cyan';
    const style = phaseStyles[span.name] ?? (span.isError ? 'red' : inherited);
    const tree = parent ? parent.trunk + (isLast ? glyphs.lastBranch : glyphs.branch) : '';
    const trunk = parent ? parent.trunk + (isLast ? '   ' : glyphs.trunk) : '';
    yield { span, tree, style };
    yield* rowsOf(children, glyphs, { trunk, style });
  }
}

const labelOf = ({ name, note }: TraceSpan): string => printable(note ? `${name}  ${note}` : name);

/** The path of a file, as modules of the function are called: many share their beginning. */
const FILE = /^\S*\/[^/\s]+\.\w+$/;

/** What a name gets at least, however deep its span lies. */
const NARROWEST_NAME_COLUMNS = 10;

function drawName(
  { span, tree: whole }: Row,
  columns: number,
  glyphs: Glyphs,
  paint: (style: Style, text: string) => string,
): string {
  const treeColumns = columns - Math.min(widthOf(printable(span.name)), NARROWEST_NAME_COLUMNS);
  // Below a certain depth only the innermost branches are drawn.
  const tree = whole.length <= treeColumns ? whole : glyphs.cut + whole.slice(1 - treeColumns);
  const room = columns - tree.length;
  // The note goes first when both do not fit: the name says more.
  const hasNote = span.note !== '' && widthOf(labelOf(span)) <= room;
  const name = (FILE.test(span.name) ? truncatedAtStart : truncated)(span.name, room, glyphs.cut);
  const note = hasNote ? `  ${paint('dim', printable(span.note))}` : '';
  const used = tree.length + (hasNote ? widthOf(labelOf(span)) : widthOf(name));
  return `${paint('dim', tree)}${name}${note}${' '.repeat(columns - used)}`;
}

type Axis = { readonly from: number; readonly until: number; readonly columns: number };

/** A bar in half columns: never empty, never beyond the axis. */
function drawBar({ startMs, endMs }: TraceSpan, { from, until, columns }: Axis, glyphs: Glyphs): string {
  const halves = columns * 2;
  const at = (time: number): number => Math.round(((time - from) / (until - from)) * halves);
  const start = Math.min(at(startMs), halves - 1);
  const end = Math.max(start + 1, Math.min(at(endMs ?? until), halves));
  const cells: string[] = [];
  for (let cell = 0; cell < Math.ceil(end / 2); cell++) {
    const hasLeft = cell * 2 >= start && cell * 2 < end;
    const hasRight = cell * 2 + 1 >= start && cell * 2 + 1 < end;
    if (hasLeft && hasRight) cells.push(endMs === undefined ? glyphs.open : glyphs.full);
    else cells.push(hasLeft ? glyphs.leftHalf : hasRight ? glyphs.rightHalf : ' ');
  }
  return cells.join('');
}

/** Below it all times would read the same. */
const SHORTEST_RULED_MS = 0.05;

/** Times at round distances, at least nine columns apart, the first one at 0. */
function drawRuler({ from, until, columns }: Axis): string {
  const total = until - from;
  // Spans that are all open, or have just begun.
  if (total < SHORTEST_RULED_MS) return '0';
  const step = roundUp((total / columns) * 9);
  let ruler = '';
  for (let time = 0; time <= total; time += step) {
    const label = time === 0 ? '0' : formatDuration(time);
    const column = Math.round((time / total) * columns);
    if (column + label.length > columns) break;
    ruler = ruler.padEnd(column) + label;
  }
  return ruler;
}

/** The next of 1, 2, 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value) ?? 10;
  return factor * power;
}
