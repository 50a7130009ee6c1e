// The arguments of `npm run bench`.

import { parseArgs } from 'node:util';

export const figureGroups = [
  'start',
  'warm',
  'after',
  'memory',
  'growth',
  'function',
  'share',
  'recognition',
  'sizes',
] as const;
export type FigureGroup = (typeof figureGroups)[number];

export type Arguments = {
  readonly isJson: boolean;
  readonly isCheck: boolean;
  readonly isHelp: boolean;
  readonly rounds: number;
  /** undefined: all. */
  readonly variants: readonly string[] | undefined;
  readonly figures: ReadonlySet<FigureGroup>;
  /** The unpacked layer; undefined: dist/layer-<architecture>. */
  readonly layer: string | undefined;
  /** A file that the JSON object is also written to. */
  readonly output: string | undefined;
};

export class ArgumentMistake extends Error {
  override readonly name = 'ArgumentMistake';
}

export const help = `Measures the built layer beside a bare socket loop, AWS's own runtime client, and other tracers. Leave the machine alone while
it runs: a quarter of an hour, a minute with --rounds 5 --variants floor,xray,xray-otlp,ric --figures start,warm,after.

Usage: npm run bench -- [options]

  --rounds N         rounds of starts, each variant once per round (default: 40)
  --variants LIST    only these (default: all): floor, floor-xray, floor-xray-otlp, untraced, xray, xray-otlp, xray-otlp-http,
                     ric, ric-expose-gc, ric-http, ric-opentelemetry, ric-adot, ric-adot-fast, ric-datadog, ric-lumigo, ric-sentry, ric-xray-sdk,
                     orders-ric, orders-traced, orders-compiled, orders-esm-traced, orders-esm-compiled
  --figures LIST     only these (default: all): ${figureGroups.join(', ')}
  --layer DIR        the unpacked layer (default: dist/layer-<architecture>)
  --json             one JSON object on standard output and nothing else
  --output FILE      write that object to a file as well
  --check            fail when a budget of test/bench/budgets.json is broken by more than its margin
  -h, --help         this text
`;

const DEFAULT_ROUNDS = 40;

const options = {
  rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
  variants: { type: 'string' },
  figures: { type: 'string', default: figureGroups.join(',') },
  layer: { type: 'string' },
  json: { type: 'boolean', default: false },
  output: { type: 'string' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Throws ArgumentMistake for whatever is not in the help. */
export function parseArguments(argv: readonly string[]): Arguments {
  const values = parse(argv);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new ArgumentMistake(`--rounds ${values.rounds} is not a whole number above 0`);
  return {
    isJson: values.json,
    isCheck: values.check,
    isHelp: values.help,
    rounds,
    variants: values.variants === undefined ? undefined : listOf(values.variants),
    figures: new Set(listOf(values.figures).map(figureGroup)),
    layer: values.layer,
    output: values.output,
  };
}

// The type follows from the table above.
function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ArgumentMistake((error as Error).message.split('. ')[0]!);
  }
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function figureGroup(name: string): FigureGroup {
  const found = figureGroups.find((group) => group === name);
  if (found === undefined) throw new ArgumentMistake(`--figures ${name}: there are ${figureGroups.join(', ')}`);
  return found;
}
