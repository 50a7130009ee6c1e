// `spanstrap compile`: has V8 compile a function's code on this machine and leaves the result beside it for the runtime.

import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Command, Io } from './command.ts';
import { readEvent } from './event-argument.ts';
import { CompileFailure, type CompileRequest, type CompileResult, compileFunction } from './function-compiler.ts';
import { functionVariables } from './function-variables.ts';
import { checkLayer, isFolder } from './invoke-command.ts';
import { defaultLayerRoot } from './layer-location.ts';
import { formatBytes, formatDuration, styleOf } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const ADVICE = 'spanstrap compile --help';

const options = {
  handler: { type: 'string', default: 'index.handler' },
  event: { type: 'string' },
  env: { type: 'string', multiple: true },
  layer: { type: 'string' },
  root: { type: 'string', default: '/var/task' },
  json: { type: 'boolean', default: false },
  'no-color': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const help = `Compiles a function's JavaScript ahead of time: run it before the function's zip is made. It loads the handler's module
once on the layer's own Node, in the emulator, and writes what V8 has compiled to DIR/spanstrap-cache. On Lambda the runtime
takes the code from there when Node, its flags and the sources are the same, and compiles as ever when they are not.

Usage: spanstrap compile [DIR] [options]

  DIR                the function's folder, /var/task on Lambda (default: .)
  --handler NAME     the handler, as in the function's configuration (default: index.handler)
  --event EVENT      also call the handler, with this JSON file, inline JSON, or - for standard input; what it uses is then
                     compiled too. It does what the handler does: use an event that may be handled here.
  --env NAME=VALUE   a variable of the function; may be repeated
  --layer DIR        the unpacked layer, of the architecture the function will have (default: dist/layer-<architecture> of the
                     repository)
  --root PATH        where the function will lie (default: /var/task, as on Lambda); the cache is used there only
  --json             one JSON object on standard output and nothing else
  --no-color         no colours; they are used on a terminal only, and never with NO_COLOR set
  -h, --help         this text

Exit codes: 0 compiled, 1 the function did not load or its code cannot be kept, 2 the command was not understood or something is missing.
`;

export const compileCommand: Command = {
  summary: 'compile a function ahead of time, so that it starts faster',
  help,
  async run(argv, io) {
    const { values, positionals } = parse(argv);
    if (values.help) {
      io.out(help);
      return 0;
    }
    const [given = '.', ...more] = positionals;
    if (more.length > 0) throw new UsageError(`one folder at a time: ${positionals.join(', ')}`, ADVICE);
    const dir = path.resolve(given);
    if (!isFolder(dir)) throw new UsageError(`${given} is not a folder`, 'the folder that holds your handler');
    const layer = path.resolve(values.layer ?? defaultLayerRoot());
    checkLayer(layer, values.layer !== undefined);
    const request: CompileRequest = {
      dir,
      layer,
      root: rootOf(values.root),
      handler: values.handler,
      event: values.event === undefined ? undefined : await readEvent(values.event, io),
      variables: functionVariables(values.env),
    };
    try {
      const result = await compileFunction(request);
      io.out(values.json ? `${JSON.stringify(result)}\n` : describe(result, given, io, !values['no-color']));
      return 0;
    } catch (error) {
      if (isRefusedWrite(error)) throw new UsageError(`cannot write to ${dir}: ${error.message}`, 'make it writable');
      if (!(error instanceof CompileFailure)) throw error;
      const command = `spanstrap invoke --dir ${given} --handler ${values.handler}`;
      const event = values.event === undefined ? '' : ', with the same --event';
      io.error(`spanstrap: ${error.message}\ntry: ${command}${event}\n`);
      return 1;
    }
  },
};

const isRefusedWrite = (error: unknown): error is Error =>
  ['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? '');

function rootOf(given: string): string {
  if (!path.isAbsolute(given)) throw new UsageError(`--root ${given} is not an absolute path`, ADVICE);
  return path.resolve(given);
}

const SHOWN_MODULES = 10;

function describe({ modules, initMs }: CompileResult, dir: string, io: Io, wantsColor: boolean): string {
  const style = styleOf(io.isColored && wantsColor);
  const largest = modules.toSorted((a, b) => b.bytes - a.bytes);
  const rows = largest
    .slice(0, SHOWN_MODULES)
    .map(
      ({ path: name, isModule, bytes, cacheBytes }) =>
        `  ${formatBytes(bytes).padStart(8)} -> ${formatBytes(cacheBytes).padStart(8)}  ${isModule ? 'ESM     ' : 'CommonJS'}  ${name}`,
    );
  if (largest.length > SHOWN_MODULES) rows.push(style('dim', `  and ${largest.length - SHOWN_MODULES} smaller ones`));
  const total = modules.reduce((sum, { cacheBytes }) => sum + cacheBytes, 0);
  return [
    style('bold', `${path.join(dir, 'spanstrap-cache')}  ${formatBytes(total)}`),
    ...rows,
    `init here ${formatDuration(initMs.before)} without it, ${formatDuration(initMs.after)} with it`,
    '',
  ].join('\n');
}

// The type follows from the table above.
function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    // The first sentence says what is wrong; the rest explains how to quote for a shell.
    throw new UsageError((error as Error).message.split('. ')[0]!, ADVICE);
  }
}
