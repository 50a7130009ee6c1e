// What the processes of one environment hand to each other: spans that could not leave in time, the numbers of those that were lost, and
// what a killed process was doing. All of it is in the flight recorder's file.

import type { SpanBatch } from '../export/exporter.ts';
import type { FlightRecorder } from '../flight-recorder.ts';
import type { RecordingScope } from '../recorded-span.ts';
import type { SpanAccount } from '../span-account.ts';
import { recoverSpans } from './recovery.ts';
import { SpoolFile } from './spool-file.ts';
import { spoolLines } from './spool-lines.ts';

const NO_LOSSES = '{}';

export type ProcessHandoverOptions = Pick<RecordingScope, 'resource' | 'instrumentationScope'> & {
  /** undefined: nothing is handed over. */
  readonly flight: FlightRecorder | undefined;
  readonly accounts: readonly SpanAccount[];
  /** Takes what an earlier process has left. */
  add(batch: SpanBatch): void;
  /** One line of the tracer's own for the operator. */
  report(message: string): void;
};

export class ProcessHandover {
  /** undefined: there is no file. */
  readonly spool: SpoolFile | undefined;
  readonly #options: ProcessHandoverOptions;
  /** A process of this environment died and left its file, which nobody has read yet. */
  #hasPredecessor = false;
  #losses = NO_LOSSES;

  constructor(options: ProcessHandoverOptions) {
    this.#options = options;
    this.spool = options.flight && new SpoolFile(options.flight);
  }

  /** The file's place is taken. Returns whether it was by a process that died within an invocation. */
  takeOver(): boolean {
    const state = this.spool?.takeOver();
    this.#hasPredecessor = state !== undefined;
    if (this.spool?.isUsable === false) this.#options.report(unusableText(this.#options.flight!.path));
    return state === 'flying';
  }

  /** Reads what a dead process has left, once. */
  recover(): void {
    const { flight, resource, instrumentationScope, accounts, add, report } = this.#options;
    if (flight === undefined || !this.#hasPredecessor) return;
    this.#hasPredecessor = false;
    recoverSpans({ resource, instrumentationScope, accounts, path: flight.path, add, report });
    // Its numbers are in no other file any more.
    this.writeDown();
  }

  /** Numbers for the next process, should this one be killed. */
  writeDown(): void {
    const { flight, accounts } = this.#options;
    if (flight === undefined) return;
    flight.write();
    const text = accounts.some(hasLosses) ? lossesOf(accounts) : NO_LOSSES;
    if (text !== this.#losses) this.spool?.writeLosses(text);
    this.#losses = text;
  }

  /** A flush begins: what was written down for the case that the deadline kills the process is sent like everything else. */
  discard(): void {
    this.#restore();
    this.spool?.discard();
  }

  /** Leaves spans to the next process; those that cannot be left are dropped. Returns whether any are. */
  leave(account: SpanAccount, batches: readonly SpanBatch[]): boolean {
    if (batches.length === 0) return false;
    const { text, left } = spoolLines(account.name, batches);
    this.#restore();
    const isWritten = this.spool?.append(text) === true;
    account.drop('spool', isWritten ? left : countSpans(batches));
    return isWritten;
  }

  #restore(): void {
    if (this.spool?.restore()) this.#losses = NO_LOSSES;
  }

  /** The process ends. `isLast`: with its environment, so that nobody may come who goes on counting. */
  close(isSomethingLeft: boolean, isLast: boolean): void {
    const { accounts, report } = this.#options;
    this.#restore();
    this.writeDown();
    if (isLast) this.spool?.writeLosses(NO_LOSSES);
    this.spool?.close(isSomethingLeft || (!isLast && accounts.some(hasLosses)));
    for (const account of accounts) {
      if (account.hasLosses || (isLast && account.outstanding > 0)) report(account.summary);
    }
  }
}

const unusableText = (path: string): string =>
  `the spool ${path} cannot be written: what a process has not sent when it dies is lost; set SPANSTRAP_SPOOL_FOLDER to a folder of the function's own, or to off`;

const hasLosses = (account: SpanAccount): boolean => account.hasLosses;

const lossesOf = (accounts: readonly SpanAccount[]): string =>
  JSON.stringify(Object.fromEntries(accounts.filter(hasLosses).map(({ name, losses }) => [name, losses])));

const countSpans = (batches: readonly SpanBatch[]): number =>
  batches.reduce((count, { spans }) => count + spans.length, 0);
