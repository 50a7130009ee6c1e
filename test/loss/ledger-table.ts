// The matrix as lines of text: how many of the spans that a cell's invocations created arrived, and why the others did not.

import { type Cell, ENDS, FREEZES } from './fault-matrix.ts';
import type { Balance, CellCount } from './ledger-balance.ts';

export type TableGroup = {
  readonly cells: readonly { readonly cell: Cell; readonly otlp: CellCount; readonly xray: CellCount }[];
  readonly otlp: Balance;
  readonly xray: Balance;
};

const LABEL_CHARS = 46;
const CELL_CHARS = 10;

/** One line for each mode, backend and freeze; one column for each end: spans in OTLP, in X-Ray / created. */
export function drawMatrix(groups: readonly TableGroup[]): string[] {
  const lines = [
    'spans delivered to OTLP, to X-Ray / created; what is missing is counted as dropped',
    `${''.padEnd(LABEL_CHARS)}${ENDS.map((end) => end.padStart(CELL_CHARS)).join('')}`,
  ];
  for (const { cells, otlp, xray } of groups.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)))) {
    for (const freeze of FREEZES) {
      const row = cells.filter(({ cell }) => cell.freeze === freeze);
      if (row.length === 0) continue;
      const label = `${row[0]!.cell.mode}, ${row[0]!.cell.backend}, ${freeze}`;
      const columns = ENDS.map((end) => countText(row.find(({ cell }) => cell.end === end)).padStart(CELL_CHARS));
      lines.push(`${label.padEnd(LABEL_CHARS)}${columns.join('')}`);
    }
    for (const balance of [otlp, xray]) lines.push(`    ${balanceText(balance)}`);
  }
  return lines;
}

function countText(count: TableGroup['cells'][number] | undefined): string {
  return count === undefined ? '.' : `${count.otlp.delivered},${count.xray.delivered}/${count.otlp.created}`;
}

function balanceText({ account, begun, delivered, droppedByReason, doubled, resent }: Balance): string {
  const dropped = Object.entries(droppedByReason).map(([reason, spans]) => ` + ${spans} ${reason}`);
  const twice = doubled + resent > 0 ? `; ${doubled} doubled, ${resent} counted as sent again` : '';
  return `${account}, with the runtime's own: ${begun} begun = ${delivered} delivered${dropped.join('')}${twice}`;
}

const nameOf = ({ cells }: TableGroup): string => `${cells[0]!.cell.mode} ${cells[0]!.cell.backend}`;
