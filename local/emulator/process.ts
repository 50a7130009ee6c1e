// The runtime's process as Lambda runs it: own process group, given environment and nothing else, output as lines, frozen
// and thawed as a group. Knows nothing of the APIs.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';

export type ProcessExit = {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why the file could not be started at all; the exit code is then 126 or 127, as a shell has it. */
  readonly startError?: string;
};

export type ProcessOptions = {
  readonly command: readonly [file: string, ...args: string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** One line of stdout or stderr, without its newline, in the order of arrival. */
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void;
};

/** Process groups that must not outlive this process, however it ends. */
const living = new Set<number>();
process.once('exit', () => {
  for (const pid of living) signalGroup(pid, 'SIGKILL');
});

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** How long the output of a dead process may still come in: a grandchild could hold the pipes open for ever. */
const OUTPUT_DRAIN_MS = 1000;

export class LambdaProcess {
  readonly pid: number | undefined;
  /** Performance-clock milliseconds at which the process was started. */
  readonly startedAt: number;
  /** Resolves when the process is gone and its output was read. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  #isFrozen = false;
  #exit: ProcessExit | undefined;

  constructor({ command, cwd, env, onLine }: ProcessOptions) {
    this.startedAt = performance.now();
    const [file, ...args] = command;
    this.#child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.#child.pid;
    if (this.pid !== undefined) living.add(this.pid);
    const { promise, resolve } = Promise.withResolvers<ProcessExit>();
    this.exited = promise;
    const drained = [this.#readLines('stdout', onLine), this.#readLines('stderr', onLine)];
    const end = (exit: ProcessExit): void => {
      if (this.#exit) return;
      this.#exit = exit;
      // Whatever the runtime had started dies with it, as the sandbox does.
      if (this.pid !== undefined) {
        signalGroup(this.pid, 'SIGKILL');
        living.delete(this.pid);
      }
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((giveUp) => {
        timer = setTimeout(giveUp, OUTPUT_DRAIN_MS);
      });
      void Promise.race([Promise.all(drained), patience]).then(() => {
        clearTimeout(timer);
        resolve(exit);
      });
    };
    this.#child.once('exit', (exitCode, signal) => end({ exitCode, signal }));
    this.#child.once('error', (error: NodeJS.ErrnoException) => {
      end({ exitCode: error.code === 'EACCES' ? 126 : 127, signal: null, startError: error.message });
    });
  }

  /** undefined while the process lives. */
  get ended(): ProcessExit | undefined {
    return this.#exit;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Signals the whole process group. Returns false when nobody is left to receive it. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#exit === undefined && this.pid !== undefined && signalGroup(this.pid, signal);
  }

  /** Stops the whole process group; resolves when the kernel says that the process is stopped (Linux; elsewhere at once). */
  async freeze(): Promise<void> {
    if (this.#isFrozen || !this.kill('SIGSTOP')) return;
    this.#isFrozen = true;
    while (this.#isFrozen && this.#exit === undefined && this.#kernelState() === 'running') await nextTurn();
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    this.kill('SIGCONT');
  }

  #kernelState(): 'running' | 'stopped' {
    if (process.platform !== 'linux' || this.pid === undefined) return 'stopped';
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1');
      // The name in parentheses may hold spaces and parentheses itself: the state follows the last one.
      return /^\s*[TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 1)) ? 'stopped' : 'running';
    } catch {
      return 'stopped';
    }
  }

  #readLines(from: 'stdout' | 'stderr', onLine: ProcessOptions['onLine']): Promise<void> {
    const stream = this.#child[from];
    if (!stream) return Promise.resolve();
    const decoder = new StringDecoder('utf8');
    let rest = '';
    return new Promise((resolve) => {
      stream.on('data', (bytes: Buffer) => {
        const lines = (rest + decoder.write(bytes)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(line, from);
      });
      stream.once('error', () => resolve());
      stream.once('close', () => {
        rest += decoder.end();
        if (rest !== '') onLine(rest, from);
        rest = '';
        resolve();
      });
    });
  }
}
