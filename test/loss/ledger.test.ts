// The ledger: whatever happens to backend, process and environment, every span that was begun is delivered or counted as dropped,
// none is there twice without being counted, and the caller gets the bytes that the untraced function gives.

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { allCells, BACKENDS, type Cell, MODES, pairsOf, pairwiseCells } from './fault-matrix.ts';
import { type CellCount, countCell, deliveriesOfDocuments, deliveriesOfSpans, droppedOf } from './ledger-balance.ts';
import { LedgerEnvironment } from './ledger-environment.ts';
import { readLedger } from './ledger-function.ts';
import { drawMatrix } from './ledger-table.ts';
import {
  type Answers,
  answersOfUntraced,
  assertNothingLost,
  type Balances,
  ownLines,
  prepareTls,
  settleBooks,
  whyNot,
} from './loss-rules.ts';

const isFull = process.env.SPANSTRAP_LEDGER === 'full';
const ENVIRONMENTS_AT_ONCE = availableParallelism() * 2;

type Outcome = Balances & {
  readonly cells: readonly { readonly cell: Cell; readonly otlp: CellCount; readonly xray: CellCount }[];
};

test('few cells cover every pair of the matrix, and all of them are what they should be', () => {
  const all = allCells();
  assert.equal(all.length, 792);
  const cells = pairwiseCells();
  assert.deepEqual(new Set(cells.flatMap(pairsOf)), new Set(all.flatMap(pairsOf)));
  assert.ok(cells.length < 90, `${cells.length}`);
});

test('delivered and dropped spans are all spans, in every cell', { skip: whyNot(), timeout: 900_000 }, async (t) => {
  const cells = isFull ? allCells() : pairwiseCells();
  t.diagnostic(
    isFull
      ? `all ${cells.length} cells of the matrix`
      : `${cells.length} of 792 cells, in which every pair occurs; SPANSTRAP_LEDGER=full runs all of them`,
  );
  const tls = await prepareTls(t);
  const untraced = await answersOfUntraced(tls);
  const groups = MODES.flatMap((mode) => BACKENDS.map((backend) => ({ mode, backend })))
    .map((group) => ({ ...group, cells: cells.filter((cell) => isOf(cell, group)) }))
    .filter((group) => group.cells.length > 0);
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  const work = groups.values();
  const serve = async (): Promise<void> => {
    for (const { mode, backend, cells: own } of work) {
      try {
        const environment = await LedgerEnvironment.start(mode, backend, tls);
        try {
          const outcome = await runCells(environment, own);
          outcomes.push(outcome);
          check(outcome, environment, untraced);
        } finally {
          await environment.close();
        }
      } catch (error) {
        failures.push(`${mode}, ${backend}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: ENVIRONMENTS_AT_ONCE }, serve));
  for (const line of drawMatrix(outcomes)) t.diagnostic(line);
  assert.deepEqual(failures, []);
  assert.equal(
    outcomes.reduce((sum, outcome) => sum + outcome.cells.length, 0),
    cells.length,
  );
});

async function runCells(environment: LedgerEnvironment, cells: readonly Cell[]): Promise<Outcome> {
  for (const cell of cells) await environment.run(cell);
  const balances = await settleBooks(environment);
  const { entries, ledgerPath } = environment;
  const created = readLedger(ledgerPath);
  const inOtlp = deliveriesOfSpans(environment.spans);
  const inXray = deliveriesOfDocuments(environment.documents);
  return {
    ...balances,
    cells: cells.map((cell) => ({
      cell,
      otlp: countCell(cell, entries, created, inOtlp),
      xray: countCell(cell, entries, created, inXray),
    })),
  };
}

function check(outcome: Outcome, environment: LedgerEnvironment, untraced: Answers): void {
  assertNothingLost(environment, outcome, untraced);
  const { cells } = outcome;
  const { backend } = cells[0]!.cell;
  const hasKilled = cells.some(({ cell: { end } }) => end === 'SIGKILL' || end === 'OOM');
  const log = ownLines(environment);
  for (const balance of [outcome.otlp, outcome.xray]) {
    const { account, doubled, droppedByReason } = balance;
    // An invocation goes before every exit, and the process has heard then whether anybody listens.
    assert.ok(balance.begun <= balance.delivered + droppedOf(balance), `${account}: ${JSON.stringify(balance)}`);
    // A connection that is reset, or an answer that comes too late, when the server has read the request: nobody can know.
    const isUnknowable = backend === 'connection reset' || log.some((line) => line.includes('no answer within'));
    if (!isUnknowable) assert.equal(doubled, 0, `${account}: doubled`);
    const expected = new Set<string>([
      ...(hasKilled ? ['killed', 'unknown_fate'] : []),
      ...(backend === '500' && account === 'otlp' ? ['refused'] : []),
    ]);
    for (const [reason, spans] of Object.entries(droppedByReason)) {
      assert.ok(expected.has(reason), `${account}: ${spans} dropped, ${reason}\n${log.join('\n')}`);
    }
  }
  for (const { cell, otlp } of cells) assert.ok(otlp.created > 0, JSON.stringify(cell));
}

const isOf = (cell: Cell, group: Pick<Cell, 'mode' | 'backend'>): boolean =>
  cell.mode === group.mode && cell.backend === group.backend;
