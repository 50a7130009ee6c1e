// What must hold of an environment when everything works again, whatever has happened before.

import assert from 'node:assert/strict';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { ENDS } from './fault-matrix.ts';
import {
  type Balance,
  balanceOf,
  deliveriesOfDocuments,
  deliveriesOfSpans,
  droppedOf,
  isCounted,
  isSettled,
} from './ledger-balance.ts';
import { LedgerEnvironment, type LedgerTls } from './ledger-environment.ts';
import { readLedger } from './ledger-function.ts';

/** Initialization and its four steps. */
const INIT_SPANS = 5;
/** The backends work again: what is still open after so many processes is open for ever. */
const MOST_ROUNDS = 6;

export type Balances = { readonly otlp: Balance; readonly xray: Balance };
/** By the end of the invocation, status and text. */
export type Answers = ReadonlyMap<string, string>;

/** Lets the environment send what waits, and returns its books. */
export async function settleBooks(environment: LedgerEnvironment): Promise<Balances> {
  for (let round = 1; ; round++) {
    await environment.settle();
    const balances = readBooks(environment);
    // What is counted at the end of one invocation stands on the root span of the next.
    const isOver = [balances.otlp, balances.xray].every((balance) => isSettled(balance) && isCounted(balance));
    if (isOver || round === MOST_ROUNDS) return balances;
  }
}

function readBooks({ entries, spans, documents, losses, ledgerPath }: LedgerEnvironment): Balances {
  const created = readLedger(ledgerPath);
  const common = { entries, created, losses, initSpans: INIT_SPANS };
  return {
    otlp: balanceOf('otlp', { ...common, deliveries: deliveriesOfSpans(spans) }),
    xray: balanceOf('xray', { ...common, deliveries: deliveriesOfDocuments(documents) }),
  };
}

/** Every span is delivered or counted, none is there more often than is counted, and the caller cannot tell the difference. */
export function assertNothingLost(environment: LedgerEnvironment, { otlp, xray }: Balances, untraced: Answers): void {
  for (const balance of [otlp, xray]) {
    const { account, invented, doubled, resent } = balance;
    const missing = balance.begun - balance.delivered - droppedOf(balance);
    const log = ownLines(environment).join('\n');
    assert.ok(isSettled(balance), `${account}: ${missing} are missing of ${JSON.stringify(balance)}\n${log}`);
    assert.deepEqual(invented, [], account);
    assert.ok(isCounted(balance), `${account}: ${doubled} are doubled, ${resent} were sent again\n${log}`);
  }
  for (const { end, status, answer } of environment.entries) {
    assert.equal(`${status} ${answer}`, untraced.get(end), `the answer of ${end}`);
  }
}

/** The tracer's own lines in the log. */
export const ownLines = ({ fn }: LedgerEnvironment): string[] =>
  fn.emulator.logs.filter((line) => line.includes('spanstrap: '));

/** What the function answers when nobody traces it. */
export async function answersOfUntraced(tls: LedgerTls): Promise<Answers> {
  const environment = await LedgerEnvironment.start(undefined, 'healthy', tls);
  try {
    for (const end of ENDS) await environment.invoke(end);
    assert.equal(environment.spans.length + environment.documents.length, 0, 'nothing is traced');
    return new Map(environment.entries.map(({ end, status, answer }) => [end, `${status} ${answer}`]));
  } finally {
    await environment.close();
  }
}

type Scope = Parameters<typeof makeCertificates>[0];

/** A reason why nothing can be tested here. */
export function whyNot(): string | false {
  const works: (() => unknown)[] = [];
  const made = makeCertificates({ after: (work) => void works.push(work) });
  for (const work of works) work();
  return made === undefined && 'openssl is needed for the certificates of a TLS backend';
}

export async function prepareTls(scope: Scope): Promise<LedgerTls> {
  const good = makeCertificates(scope) as Certificates;
  const { cert, key } = (makeCertificates(scope) as Certificates).server;
  const bad = createServer({ cert, key });
  const open = new Set<Socket>();
  bad.on('tlsClientError', () => {});
  bad.on('connection', (socket: Socket) => void open.add(socket));
  await new Promise<void>((resolve) => bad.listen(0, '127.0.0.1', resolve));
  scope.after(() => {
    for (const socket of open) socket.destroy();
    bad.close();
  });
  return { good, badPort: (bad.address() as AddressInfo).port };
}
