// The process of a variant: waiting on its core, started at a moment that is known to the microsecond, watched, and ended.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunPlan } from './run-plan.ts';

/**
 * A shell that says when it is there, waits for a line and becomes the runtime: the time of fork, of moving to the core and of
 * starting a shell is nobody's start time.
 */
const WAITING_SHELL = 'echo; read -r _; exec "$@"';
const JOIN_CGROUP = 'echo $$ > "$0" && ';
/** From `echo` to `read` in that shell. */
const SHELL_SETTLES_MS = 2;
const KEPT_OUTPUT_CHARACTERS = 2000;

export class RuntimeProcess {
  /** Rejects when the process ends by itself. Nothing else settles it. */
  readonly ended: Promise<never>;
  readonly #child: ChildProcess;
  #output = '';
  #isKilled = false;

  constructor(plan: RunPlan) {
    const { core, cgroupProcs, command } = plan;
    const shell = [
      '/bin/sh',
      '-c',
      `${cgroupProcs === undefined ? '' : JOIN_CGROUP}${WAITING_SHELL}`,
      cgroupProcs ?? 'sh',
    ];
    const [file = '', ...args] = [...(core === undefined ? [] : ['taskset', '-c', String(core)]), ...shell, ...command];
    this.#child = spawn(file, args, { cwd: plan.cwd, env: plan.environment, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin?.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = `${this.#output}${text}`.slice(-KEPT_OUTPUT_CHARACTERS);
      });
    }
    this.ended = new Promise((_, reject) => {
      this.#child.once('error', (error) => reject(error));
      this.#child.once('exit', (code, signal) => {
        if (!this.#isKilled) reject(new Error(`the process ended with ${code ?? signal}:\n${this.output}`));
      });
    });
    this.ended.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The last of stdout and stderr. */
  get output(): string {
    return this.#output.trim();
  }

  /** Resolves when nothing but the start itself is left to be done. */
  async ready(): Promise<void> {
    await Promise.race([once(this.#child.stdout!, 'data'), this.ended]);
    await sleep(SHELL_SETTLES_MS);
  }

  /** Returns the time of the start on this process's clock, milliseconds. */
  start(): number {
    const startedAt = performance.now();
    this.#child.stdin!.end('\n');
    return startedAt;
  }

  async kill(): Promise<void> {
    this.#isKilled = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
