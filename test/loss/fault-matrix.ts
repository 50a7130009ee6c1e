// The dimensions of the ledger's matrix, and which of its cells are run.

export const MODES = ['async', 'sync', 'finalize', 'adaptive'] as const;
export const BACKENDS = [
  'healthy',
  'down',
  'slow',
  'hanging',
  '429',
  '500',
  'half-written response',
  'connection reset',
  'DNS failure',
  'TLS failure',
  'daemon gone',
] as const;
export const FREEZES = ['no freeze', 'freeze', 'long freeze'] as const;
export const ENDS = ['normal', 'throw', 'exit', 'timeout', 'SIGKILL', 'OOM'] as const;

export type Mode = (typeof MODES)[number];
export type Backend = (typeof BACKENDS)[number];
export type Freeze = (typeof FREEZES)[number];
export type End = (typeof ENDS)[number];
export type Cell = { readonly mode: Mode; readonly backend: Backend; readonly freeze: Freeze; readonly end: End };

const DIMENSIONS = { mode: MODES, backend: BACKENDS, freeze: FREEZES, end: ENDS } as const;
const NAMES = Object.keys(DIMENSIONS) as (keyof Cell)[];

export function allCells(): Cell[] {
  return MODES.flatMap((mode) =>
    BACKENDS.flatMap((backend) =>
      FREEZES.flatMap((freeze) => ENDS.map((end): Cell => ({ mode, backend, freeze, end }))),
    ),
  );
}

/** The pairs of values that a cell covers. */
export function pairsOf(cell: Cell): string[] {
  return NAMES.flatMap((name, index) =>
    NAMES.slice(index + 1).map((other) => `${name}=${cell[name]} ${other}=${cell[other]}`),
  );
}

/** Few cells in which every pair of values occurs: greedily, always the cell that covers most of what is missing. */
export function pairwiseCells(): Cell[] {
  const cells = allCells();
  const missing = new Set(cells.flatMap(pairsOf));
  const chosen: Cell[] = [];
  const gain = (cell: Cell): number => pairsOf(cell).filter((pair) => missing.has(pair)).length;
  while (missing.size > 0) {
    const best = cells.reduce((found, cell) => (gain(cell) > gain(found) ? cell : found));
    for (const pair of pairsOf(best)) missing.delete(pair);
    chosen.push(best);
  }
  return chosen;
}
