// The command line: a table of commands, their help, and how mistakes are told. The process itself is spanstrap.ts.

import type { Command, Io } from './command.ts';
import { compileCommand } from './compile-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { invokeCommand } from './invoke-command.ts';
import { UsageError } from './usage-error.ts';

const commands: Readonly<Record<string, Command>> = {
  invoke: invokeCommand,
  doctor: doctorCommand,
  compile: compileCommand,
};

const help = `spanstrap: the Node.js runtime for AWS Lambda that traces everything, on your own machine.

Usage: spanstrap COMMAND [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

"spanstrap COMMAND --help" explains a command.
Exit codes: 0 success, 1 the function failed, 2 the command was not understood or something is missing.
`;

/** Runs one command line, without the program's name. Resolves with the exit code; never rejects for a mistake of the caller. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.out(help);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (!command) throw new UsageError(`there is no command "${name}"`, 'spanstrap --help');
    return await command.run(rest, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.error(`spanstrap: ${error.message}\ntry: ${error.advice}\n`);
    return 2;
  }
}
