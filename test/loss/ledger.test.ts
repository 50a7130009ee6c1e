// The ledger: whatever happens to backend, process and environment, every span that was begun is delivered or counted as dropped,
// none is there twice without being counted, and the caller gets the bytes that the untraced function gives.

import assert from 'node:assert/strict';
import type { AddressInfo, Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { allCells, BACKENDS, type Cell, ENDS, MODES, pairsOf, pairwiseCells } from './fault-matrix.ts';
import {
  type Balance,
  balanceOf,
  type CellCount,
  countCell,
  deliveriesOfDocuments,
  deliveriesOfSpans,
  droppedOf,
  isSettled,
} from './ledger-balance.ts';
import { LedgerEnvironment, type LedgerTls } from './ledger-environment.ts';
import { readLedger } from './ledger-function.ts';
import { drawMatrix } from './ledger-table.ts';

const isFull = process.env.SPANSTRAP_LEDGER === 'full';
/** Initialization and its four steps. */
const INIT_SPANS = 5;
/** The backends work again: what is still open after so many processes is open for ever. */
const MOST_ROUNDS = 6;
const ENVIRONMENTS_AT_ONCE = availableParallelism() * 2;
const SERVER = 2;

type Outcome = {
  readonly cells: readonly { readonly cell: Cell; readonly otlp: CellCount; readonly xray: CellCount }[];
  readonly otlp: Balance;
  readonly xray: Balance;
  readonly log: readonly string[];
};

test('few cells cover every pair of the matrix, and all of them are what they should be', () => {
  const all = allCells();
  assert.equal(all.length, 792);
  const cells = pairwiseCells();
  assert.deepEqual(new Set(cells.flatMap(pairsOf)), new Set(all.flatMap(pairsOf)));
  assert.ok(cells.length < 90, `${cells.length}`);
});

const skip = makesCertificates() ? false : 'openssl is needed for the certificates of a TLS backend';

test('delivered and dropped spans are all spans, in every cell', { skip, timeout: 900_000 }, async (t) => {
  const cells = isFull ? allCells() : pairwiseCells();
  t.diagnostic(
    isFull
      ? `all ${cells.length} cells of the matrix`
      : `${cells.length} of 792 cells, in which every pair occurs; SPANSTRAP_LEDGER=full runs all of them`,
  );
  const tls = await prepareTls(t);
  const untraced = await answersOf(tls);
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
  for (let round = 1; ; round++) {
    await environment.settle();
    const outcome = readOutcome(environment, cells);
    if ((isSettled(outcome.otlp) && isSettled(outcome.xray)) || round === MOST_ROUNDS) return outcome;
  }
}

function readOutcome(environment: LedgerEnvironment, cells: readonly Cell[]): Outcome {
  const { entries, spans, documents, ledgerPath, fn } = environment;
  const created = readLedger(ledgerPath);
  const common = { entries, created, roots: spans.filter(({ kind }) => kind === SERVER), initSpans: INIT_SPANS };
  const [inOtlp, inXray] = [deliveriesOfSpans(spans), deliveriesOfDocuments(documents)];
  return {
    cells: cells.map((cell) => ({
      cell,
      otlp: countCell(cell, entries, created, inOtlp),
      xray: countCell(cell, entries, created, inXray),
    })),
    otlp: balanceOf('otlp', { ...common, deliveries: inOtlp }),
    xray: balanceOf('xray', { ...common, deliveries: inXray }),
    log: fn.emulator.logs.filter((line) => line.includes('spanstrap: ')),
  };
}

function check(outcome: Outcome, environment: LedgerEnvironment, untraced: ReadonlyMap<string, string>): void {
  const { cells, otlp, xray, log } = outcome;
  const { backend } = cells[0]!.cell;
  const hasKilled = cells.some(({ cell: { end } }) => end === 'SIGKILL' || end === 'OOM');
  for (const balance of [otlp, xray]) {
    const { account, invented, doubled, resent, droppedByReason } = balance;
    const missing = balance.begun - balance.delivered - droppedOf(balance);
    assert.ok(
      isSettled(balance),
      `${account}: ${missing} of ${JSON.stringify(balance)} are missing\n${log.join('\n')}`,
    );
    assert.deepEqual(invented, [], account);
    assert.ok(doubled <= resent, `${account}: ${doubled} are doubled, ${resent} were sent again`);
    // A connection that is reset, or an answer that comes too late, when the server has read the request: nobody can know.
    const isUnknowable = backend === 'connection reset' || log.some((line) => line.includes('no answer within'));
    if (!isUnknowable) assert.equal(doubled, 0, `${account}: doubled`);
    const expected = new Set<string>([
      ...(hasKilled ? ['killed', 'unknown_fate'] : []),
      ...(backend === '500' && account === 'otlp' ? ['refused'] : []),
    ]);
    for (const reason of Object.keys(droppedByReason)) {
      assert.ok(expected.has(reason), `${account}: ${droppedByReason[reason]} dropped, ${reason}\n${log.join('\n')}`);
    }
  }
  for (const { cell, otlp: own } of cells) assert.ok(own.created > 0, JSON.stringify(cell));
  for (const { end, status, answer } of environment.entries) {
    assert.equal(`${status} ${answer}`, untraced.get(end), `the answer of ${end}`);
  }
}

/** What a function answers that nobody traces. */
async function answersOf(tls: LedgerTls): Promise<ReadonlyMap<string, string>> {
  const environment = await LedgerEnvironment.start(undefined, 'healthy', tls);
  try {
    for (const end of ENDS) await environment.run({ mode: 'async', backend: 'healthy', freeze: 'no freeze', end });
    assert.equal(environment.spans.length + environment.documents.length, 0, 'nothing is traced');
    return new Map(environment.entries.map(({ end, status, answer }) => [end, `${status} ${answer}`]));
  } finally {
    await environment.close();
  }
}

type Scope = Parameters<typeof makeCertificates>[0];

function makesCertificates(): boolean {
  const works: (() => unknown)[] = [];
  const made = makeCertificates({ after: (work) => void works.push(work) });
  for (const work of works) work();
  return made !== undefined;
}

async function prepareTls(scope: Scope): Promise<LedgerTls> {
  const good = makeCertificates(scope) as Certificates;
  const { cert, key } = (makeCertificates(scope) as Certificates).server;
  const bad = createServer({ cert, key });
  bad.on('tlsClientError', () => {});
  const open = new Set<Socket>();
  bad.on('connection', (socket: Socket) => void open.add(socket));
  await new Promise<void>((resolve) => bad.listen(0, '127.0.0.1', resolve));
  scope.after(() => {
    for (const socket of open) socket.destroy();
    bad.close();
  });
  return { good, badPort: (bad.address() as AddressInfo).port };
}

const isOf = (cell: Cell, group: Pick<Cell, 'mode' | 'backend'>): boolean =>
  cell.mode === group.mode && cell.backend === group.backend;
