// Code in a process of its own, for what only a whole process shows: an event loop that runs dry, exit codes, module hooks.

import { spawn } from 'node:child_process';

export type Exit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

const repository = new URL('../../', import.meta.url);

export type ChildOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The child is killed then: a test that hangs shall say so and not stop the others. Default 20 s. */
  readonly deadlineMs?: number;
};

/** Runs an ES module given as text; it imports source files by the URLs of `sourceUrl`. */
export function runModule(text: string, options: ChildOptions = {}): Promise<Exit> {
  return run(['--input-type=module', '--eval', text], options);
}

/** Runs this test's Node with arguments. */
export function run(args: readonly string[], options: ChildOptions = {}): Promise<Exit> {
  const { env = {}, cwd, deadlineMs = 20_000 } = options;
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The URL of one of this project's source files, for an `import` in a child's text. */
export const sourceUrl = (path: string): string => new URL(path, repository).href;
