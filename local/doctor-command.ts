// `spanstrap doctor`: runs a function once on the built layer with SPANSTRAP_DOCTOR on and prints the tracer's report.

import path from 'node:path';
import type { Command } from './command.ts';
import { readEvent } from './event-argument.ts';
import { functionVariables } from './function-variables.ts';
import { checkLayer, integer, isFolder, jsonOrText, parseOptions, timeLimit } from './invoke-command.ts';
import { defaultLayerRoot } from './layer-location.ts';
import { startTracedRun } from './traced-run.ts';
import { UsageError } from './usage-error.ts';

const ADVICE = 'spanstrap doctor --help';
const REPORT = 'doctor: a report';

const options = {
  dir: { type: 'string', default: '.' },
  handler: { type: 'string', default: 'index.handler' },
  event: { type: 'string' },
  env: { type: 'string', multiple: true },
  memory: { type: 'string', default: '512' },
  timeout: { type: 'string', default: '30' },
  layer: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const help = `Runs a function once on the built layer, in an emulator of Lambda on this machine, and prints the tracer's report on itself:
where spans go and whether they arrive, the trace header and what was decided by it, settings, what is instrumented, cost.

Usage: spanstrap doctor [options]

  --dir DIR          the function's folder, /var/task on Lambda (default: .)
  --handler NAME     the handler, as in the function's configuration (default: index.handler)
  --event EVENT      a JSON file, inline JSON, or - for standard input (default: {})
  --env NAME=VALUE   a variable of the function; may be repeated. Give those that it has on Lambda
  --memory MB        the function's memory (default: 512)
  --timeout SECONDS  the function's time limit (default: 30)
  --layer DIR        the unpacked layer (default: dist/layer-<architecture> of the repository)
  --json             one JSON object on standard output and nothing else
  -h, --help         this text

X-Ray's daemon is one of this machine's, which takes everything; an OTLP backend is the one that the variables name.
Exit codes: 0 the function succeeded, 1 it did not, 2 the command was not understood or something is missing.
`;

export const doctorCommand: Command = {
  summary: 'run a function once and report on its tracing',
  help,
  async run(argv, io) {
    const values = parseOptions(argv, options, ADVICE);
    if (values.help) {
      io.out(help);
      return 0;
    }
    const dir = path.resolve(values.dir);
    if (!isFolder(dir))
      throw new UsageError(`--dir ${values.dir} is not a folder`, 'the folder that holds your handler');
    const layer = path.resolve(values.layer ?? defaultLayerRoot());
    checkLayer(layer, values.layer !== undefined);
    const event = await readEvent(values.event, io);
    const run = await startTracedRun({
      bootstrap: path.join(layer, 'bootstrap'),
      taskRoot: dir,
      handler: values.handler,
      functionName: path.basename(dir),
      platformEnvironment: { ...functionVariables(values.env), SPANSTRAP_DOCTOR: '1' },
      memoryMb: integer('--memory', values.memory, ADVICE),
      timeoutMs: timeLimit(values.timeout, ADVICE),
      targets: ['xray'],
    });
    try {
      const { result } = await run.invoke(event);
      await run.shutdown();
      const { logs } = run.emulator;
      const texts = ownTexts(logs);
      const report = texts.find((text) => text.startsWith(REPORT));
      if (report === undefined) {
        throw new UsageError(
          'the function’s log has no report',
          'a layer of this version, and no SPANSTRAP_LOG_LEVEL or AWS_LAMBDA_LOG_LEVEL that hides warnings',
        );
      }
      // Lambda tries an init that has failed once more, with the same report.
      const others = texts.filter((text) => !text.startsWith(REPORT));
      const { status, text } = result;
      const isGood = status === 'success';
      if (values.json) {
        const answer = { status, [isGood ? 'response' : 'error']: jsonOrText(text) };
        io.out(`${JSON.stringify({ ...answer, report, lines: others, logs })}\n`);
      } else {
        const failure = isGood ? [] : [`the function failed (${status}): ${text}`];
        io.out(`${[report, ...others, ...failure].join('\n')}\n`);
      }
      return isGood ? 0 : 1;
    } finally {
      await run.close();
    }
  },
};

/** The runtime's own lines of either log format, as they were before they became records. */
export function ownTexts(logs: readonly string[]): string[] {
  return logs.flatMap((line) => {
    const [, text] = /^\S+\t\S+\t[A-Z]+\tspanstrap: (.*)$/s.exec(line) ?? [];
    if (text !== undefined) return text.replaceAll('\r', '\n');
    if (!line.startsWith('{')) return [];
    const record = jsonOrText(line);
    const { source, message } = typeof record === 'object' ? (record as { source?: unknown; message?: unknown }) : {};
    return source === 'spanstrap' && typeof message === 'string' ? message : [];
  });
}
