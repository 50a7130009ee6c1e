// Runs variants: one process of one variant at a time, in the stub's hands, in rounds in which every variant has its turn.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cores } from './machine.ts';
import { shuffled } from './statistics.ts';
import type { RunFailure, RunPlan, RunResult, StubAddresses } from './stub/run-plan.ts';

const STUB = fileURLToPath(new URL('stub/stub-process.ts', import.meta.url));
/** Room for what one run makes, so that the stub collects no garbage in the middle of it. */
const STUB_FLAGS = ['--max-semi-space-size=128', '--expose-gc', '--no-warnings'];

/** What differs from variant to variant. */
export type Job = {
  readonly name: string;
  readonly plan: (addresses: StubAddresses) => Omit<RunPlan, 'core' | 'deadlineMs'>;
};

export type Failed = { readonly name: string; readonly reason: string };

/** Results by name, one per round; undefined where a run failed. */
export type Rounds = {
  readonly results: ReadonlyMap<string, readonly (RunResult | undefined)[]>;
  readonly failed: readonly Failed[];
};

const RUN_DEADLINE_MS = 120_000;

export class Runner implements AsyncDisposable {
  readonly #stub: ChildProcess;
  readonly #cores: Cores | undefined;
  #addresses: StubAddresses | undefined;

  constructor(cores: Cores | undefined) {
    this.#cores = cores;
    const pin = cores === undefined ? [] : ['taskset', '-c', String(cores.stub)];
    const [file = '', ...args] = [...pin, process.execPath, ...STUB_FLAGS, STUB];
    this.#stub = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  }

  async open(): Promise<void> {
    this.#addresses = (await this.#receive()) as StubAddresses;
  }

  async run(job: Job): Promise<RunResult | RunFailure> {
    const plan: RunPlan = { ...job.plan(this.#addresses!), core: this.#cores?.runtime, deadlineMs: RUN_DEADLINE_MS };
    this.#stub.send(plan);
    return (await this.#receive()) as RunResult | RunFailure;
  }

  /**
   * Every job once per round, in another order each time. A job that fails in its first round is left out of the others, with its
   * reason; a later failure costs its round.
   */
  async runRounds(jobs: readonly Job[], rounds: number, onRound: (round: number) => void): Promise<Rounds> {
    const results = new Map<string, (RunResult | undefined)[]>(jobs.map(({ name }) => [name, []]));
    const failed: Failed[] = [];
    let living = [...jobs];
    for (let round = 0; round < rounds; round++) {
      onRound(round);
      for (const job of shuffled(living)) {
        const result = await this.run(job);
        const isFailure = 'failure' in result;
        results.get(job.name)!.push(isFailure ? undefined : result);
        if (!isFailure || round > 0) continue;
        failed.push({ name: job.name, reason: result.failure });
        living = living.filter((other) => other !== job);
        results.delete(job.name);
      }
    }
    return { results, failed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stub.exitCode !== null) return;
    const gone = once(this.#stub, 'exit');
    this.#stub.disconnect();
    await gone;
  }

  #receive(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the stub ended with ${code}`));
      this.#stub.once('exit', onExit);
      this.#stub.once('message', (message) => {
        this.#stub.off('exit', onExit);
        resolve(message);
      });
    });
  }
}
