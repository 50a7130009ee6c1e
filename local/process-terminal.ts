// This process's own input and output, as a command sees them. The only place of `local/` that looks at the environment.

import { text } from 'node:stream/consumers';
import type { Io } from './command.ts';

const WIDEST_COLUMNS = 160;

/** Colours only on a terminal, and never with NO_COLOR set to anything. */
export function processTerminal(): Io {
  const { stdin, stdout, stderr, env } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `| head` closes the pipe when it has enough: that is no failure, and nobody is left to read more.
    if (error.code === 'EPIPE') process.exit(0);
    stderr.write(`spanstrap: standard output cannot be written: ${error.message}\ntry: another file or disk\n`);
    process.exit(2);
  });
  return {
    out: (written) => void stdout.write(written),
    error: (written) => void stderr.write(written),
    readInput: () => text(stdin),
    columns: Math.min(stdout.columns ?? 80, WIDEST_COLUMNS),
    isColored: stdout.isTTY === true && !env.NO_COLOR,
  };
}
