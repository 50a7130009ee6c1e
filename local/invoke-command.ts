// `spanstrap invoke`: runs a function on the built layer and shows its response and its trace.

import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { Command, Io } from './command.ts';
import { readEvent } from './event-argument.ts';
import { type FunctionVariables, functionVariables } from './function-variables.ts';
import { type ReportOptions, reportInvocation, reportShutdown } from './invocation-report.ts';
import { defaultLayerRoot, layerAdvice } from './layer-location.ts';
import { startTracedRun, type TracedInvocation, type TracedRun, type TraceTarget } from './traced-run.ts';
import { UsageError } from './usage-error.ts';

const ADVICE = 'spanstrap invoke --help';

const options = {
  dir: { type: 'string', default: '.' },
  handler: { type: 'string', default: 'index.handler' },
  event: { type: 'string' },
  json: { type: 'boolean', default: false },
  repeat: { type: 'string', default: '1' },
  freeze: { type: 'boolean', default: false },
  env: { type: 'string', multiple: true },
  memory: { type: 'string', default: '512' },
  timeout: { type: 'string', default: '30' },
  layer: { type: 'string' },
  traces: { type: 'string', default: 'xray,otlp' },
  'no-color': { type: 'boolean', default: false },
  ascii: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const help = `Runs a function on the built layer, in an emulator of Lambda on this machine, and shows response and trace.

Usage: spanstrap invoke [options]

  --dir DIR          the function's folder, /var/task on Lambda (default: .)
  --handler NAME     the handler, as in the function's configuration (default: index.handler)
  --event EVENT      a JSON file, inline JSON, or - for standard input (default: {})
  --repeat N         invocations, one after the other (default: 1)
  --freeze           stop the process between invocations, as Lambda does
  --env NAME=VALUE   a variable of the function; may be repeated. Region and AWS credentials are given like this, too
  --memory MB        the function's memory (default: 512)
  --timeout SECONDS  the function's time limit (default: 30)
  --layer DIR        the unpacked layer (default: dist/layer-<architecture> of the repository)
  --traces LIST      where traces go: xray, otlp, both, or none (default: xray,otlp)
  --json             one JSON object on standard output and nothing else
  --ascii            draw without Unicode
  --no-color         no colours; they are used on a terminal only, and never with NO_COLOR set
  -h, --help         this text

Exit codes: 0 all invocations succeeded, 1 one of them did not, 2 the command was not understood or something is missing.
`;

type Request = {
  readonly dir: string;
  readonly handler: string;
  readonly layer: string;
  /** JSON. */
  readonly event: string;
  readonly repeat: number;
  readonly isFreezing: boolean;
  readonly variables: FunctionVariables;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly targets: readonly TraceTarget[];
  readonly isJson: boolean;
  readonly report: ReportOptions;
};

export const invokeCommand: Command = {
  summary: 'run a function on the layer and show its response and trace',
  help,
  async run(argv, io) {
    const request = await readRequest(argv, io);
    if (request === 'help') {
      io.out(help);
      return 0;
    }
    const run = await startTracedRun({
      bootstrap: path.join(request.layer, 'bootstrap'),
      taskRoot: request.dir,
      handler: request.handler,
      functionName: path.basename(request.dir),
      platformEnvironment: request.variables,
      memoryMb: request.memoryMb,
      timeoutMs: request.timeoutMs,
      freeze: request.isFreezing,
      targets: request.targets,
    });
    try {
      return await invokeAll(run, request, io);
    } finally {
      await run.close();
    }
  },
};

async function invokeAll(run: TracedRun, request: Request, io: Io): Promise<number> {
  const invocations: TracedInvocation[] = [];
  for (let count = 0; count < request.repeat; count++) {
    const invocation = await run.invoke(request.event);
    invocations.push(invocation);
    if (!request.isJson) io.out(`${reportInvocation(invocation, request.report).join('\n')}\n\n`);
  }
  const late = await run.shutdown();
  if (request.isJson) io.out(`${JSON.stringify(jsonReport(run, invocations))}\n`);
  else for (const line of reportShutdown(late, request.report)) io.out(`${line}\n`);
  return invocations.every(({ result }) => result.status === 'success') ? 0 : 1;
}

/** The object of `--json`; other people's scripts rely on its shape. */
export function jsonReport(run: TracedRun, invocations: readonly TracedInvocation[]): Record<string, unknown> {
  return {
    invocations: invocations.map(({ result }) => ({
      requestId: result.requestId,
      status: result.status,
      [result.status === 'success' ? 'response' : 'error']: jsonOrText(result.text),
      durationMs: result.durationMs,
      ...(result.initMs !== undefined && { initMs: result.initMs }),
    })),
    xray: run.xray.documents,
    otlp: run.otlp.resourceSpans,
    logs: run.emulator.logs,
  };
}

async function readRequest(argv: readonly string[], io: Io): Promise<Request | 'help'> {
  const values = parseOptions(argv, options, ADVICE);
  if (values.help) return 'help';
  const dir = path.resolve(values.dir);
  if (!isFolder(dir)) throw new UsageError(`--dir ${values.dir} is not a folder`, 'the folder that holds your handler');
  const layer = path.resolve(values.layer ?? defaultLayerRoot());
  checkLayer(layer, values.layer !== undefined);
  const targets = targetsOf(values.traces);
  return {
    dir,
    layer,
    targets,
    handler: values.handler,
    event: await readEvent(values.event, io),
    repeat: integer('--repeat', values.repeat),
    isFreezing: values.freeze,
    variables: functionVariables(values.env),
    memoryMb: integer('--memory', values.memory),
    timeoutMs: timeLimit(values.timeout, ADVICE),
    isJson: values.json,
    report: {
      columns: io.columns,
      isAscii: values.ascii,
      isColored: io.isColored && !values['no-color'],
      // With both targets the same spans would be drawn twice.
      drawings: targets.includes('xray') ? ['xray'] : targets,
    },
  };
}

// The type follows from the table of options.
export function parseOptions<const Options extends ParseArgsOptionsConfig>(
  argv: readonly string[],
  options: Options,
  advice: string,
) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    // The first sentence says what is wrong; the rest explains how to quote for a shell.
    throw new UsageError((error as Error).message.split('. ')[0]!, advice);
  }
}

export function checkLayer(layer: string, isGiven: boolean): void {
  const bootstrap = path.join(layer, 'bootstrap');
  try {
    accessSync(bootstrap, constants.X_OK);
    if (statSync(bootstrap).isFile()) return;
  } catch {
    // It is not there, or not executable.
  }
  throw new UsageError(
    `there is no layer at ${layer}: ${bootstrap} is missing or no executable file`,
    isGiven ? 'the folder into which the layer was unpacked' : layerAdvice(),
  );
}

function targetsOf(list: string): TraceTarget[] {
  const names = list.split(',').map((name) => name.trim());
  if (names.length === 1 && names[0] === 'none') return [];
  return names.map((name) => {
    if (name === 'xray' || name === 'otlp') return name;
    throw new UsageError(`--traces ${list}: "${name}" is not a target`, '--traces xray,otlp or --traces none');
  });
}

export function positive(name: string, value: string, advice = ADVICE): number {
  const number = Number(value);
  if (value.trim() !== '' && number > 0 && Number.isFinite(number)) return number;
  throw new UsageError(`${name} ${value} is not a number above 0`, advice);
}

/** What a timer can wait for. */
const LONGEST_SECONDS = 2_147_483;

/** The value of `--timeout`, in milliseconds. */
export function timeLimit(seconds: string, advice: string): number {
  const limit = positive('--timeout', seconds, advice);
  if (limit <= LONGEST_SECONDS) return 1000 * limit;
  throw new UsageError(`--timeout ${seconds} is more than ${LONGEST_SECONDS} seconds`, advice);
}

export function integer(name: string, value: string, advice = ADVICE): number {
  const number = positive(name, value, advice);
  if (Number.isInteger(number)) return number;
  throw new UsageError(`${name} ${value} is not a whole number`, advice);
}

export const isFolder = (dir: string): boolean => statSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false;

export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
