// Runs a program to its end, for the build: output is collected, a failure is a value or a BuildError, never a hang on stdin.

import { spawn } from 'node:child_process';
import { BuildError } from './progress.ts';

/** `signal` kills the program. */
export type CommandOptions = { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal };

export type CommandResult = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string };

/** `exitCode` is null when the program does not exist or was killed; `stderr` then says which. */
export const runCommand = (
  [program, ...args]: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const child = spawn(program!, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => resolve({ exitCode: null, stdout, stderr: error.message }));
    child.on('close', (exitCode, signal) =>
      resolve({ exitCode, stdout, stderr: signal === null ? stderr : `${stderr}killed by ${signal}` }),
    );
  });

/** The last lines of what a program said, indented and cut to a width that can be read. */
export const lastWords = (output: string): string =>
  output
    .trim()
    .split('\n')
    .slice(-20)
    .map((line) => (line.length > 200 ? `${line.slice(0, 200)} ...` : line))
    .join('\n  ');

/** Like runCommand, but anything except exit code 0 throws a BuildError with the program's own last words. */
export const requireCommand = async (
  command: readonly string[],
  advice: string,
  options: CommandOptions = {},
): Promise<string> => {
  const { exitCode, stdout, stderr } = await runCommand(command, options);
  if (exitCode === 0) return stdout;
  throw new BuildError(
    `${command.join(' ')} ended with ${exitCode ?? 'no exit code'}:\n  ${lastWords(stderr || stdout)}`,
    advice,
  );
};
