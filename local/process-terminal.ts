// This process's own input and output, as a command sees them. The only place of `local/` that looks at the environment.

import { text } from 'node:stream/consumers';
import type { Io } from './command.ts';

const WIDEST_COLUMNS = 160;

/** Colours only on a terminal, and never with NO_COLOR set to anything. */
export function processTerminal(): Io {
  const { stdin, stdout, stderr, env } = process;
  // `| head` closes the pipe when it has enough: that is no failure, and nobody is left to read more.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (written) => void stdout.write(written),
    error: (written) => void stderr.write(written),
    readInput: () => text(stdin),
    columns: Math.min(stdout.columns ?? 80, WIDEST_COLUMNS),
    isColored: stdout.isTTY === true && !env.NO_COLOR,
  };
}
