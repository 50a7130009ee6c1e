// `npm run bench`: what is measured in which order, and what is told. The measuring is in the other files.

import { cpSync, existsSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { requireCommand } from '../../layer/command.ts';
import { CompileFailure, compileFunction } from '../../local/function-compiler.ts';
import { defaultLayerRoot } from '../../local/layer-location.ts';
import { providePeers } from '../peers/peer-install.ts';
import { ArgumentMistake, type Arguments, help, parseArguments } from './arguments.ts';
import { findBroken, judge, readBudgets } from './budgets.ts';
import { Figures } from './figures.ts';
import { measureEvents, measureModules, measureSpans } from './growth-figures.ts';
import { measureFunction, measureMemory, measureStart } from './invocation-figures.ts';
import { type Cores, chooseCores, describeMachine, describeNoise } from './machine.ts';
import type { Measurement } from './measurement.ts';
import { measureRecognition, measureShare, readSizes } from './other-figures.ts';
import { type PeerFolder, providePeerPackages } from './peer-packages.ts';
import { type BenchResult, budgetTable, describeResult, toJson } from './report.ts';
import { Runner } from './runner.ts';
import { MEMORY_MB, type Skipped, type Variant } from './variant.ts';
import { makeCatalogue, type Parts, variantNames } from './variants.ts';

const say = (text: string): void => {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
};

const notAsked = { missing: 'not asked for' } as const;

/** Only what somebody asked for is installed: half a gigabyte otherwise. */
async function provideParts(given: Arguments, layer: string, skipped: Skipped[]): Promise<Parts> {
  const wants = (pattern: RegExp): boolean =>
    given.variants === undefined || given.variants.some((name) => pattern.test(name));
  const clients = wants(/ric/) ? await providePeers(say) : notAsked;
  const ric = 'missing' in clients ? clients : { args: clients.node24.command.slice(-1) };
  const wantsPeers = wants(/^ric-(opentelemetry|adot|datadog|lumigo|sentry|xray)/) || given.figures.has('function');
  const peers: PeerFolder = wantsPeers ? await providePeerPackages(say) : notAsked;
  if (!('missing' in peers) && given.figures.has('function')) await compileOrders(peers.folder, layer, skipped);
  return { layer, ric, peers };
}

/** Copies of the real function, compiled ahead by the layer that is measured. */
async function compileOrders(folder: string, layer: string, skipped: Skipped[]): Promise<void> {
  for (const name of ['orders', 'orders-esm']) {
    const dir = join(folder, `${name}-compiled`);
    rmSync(dir, { recursive: true, force: true });
    cpSync(join(folder, name), dir, { recursive: true });
    say(`spanstrap compile ${name}`);
    try {
      const root = realpathSync(dir);
      await compileFunction({ dir, root, handler: 'index.handler', layer, event: '{}', variables: {} });
    } catch (error) {
      if (!(error instanceof CompileFailure)) throw error;
      rmSync(dir, { recursive: true, force: true });
      skipped.push({ name: `${name}-compiled`, reason: error.message });
    }
  }
}

async function measureAll(
  bench: Measurement,
  variants: readonly Variant[],
  figures: Arguments['figures'],
  cores: Cores | undefined,
): Promise<void> {
  const isOrders = ({ name }: Variant): boolean => name.startsWith('orders-');
  const trivial = variants.filter((variant) => !isOrders(variant));
  const isWarm = figures.has('warm') || figures.has('after');
  if (figures.has('start') || isWarm) await measureStart(bench, trivial, isWarm);
  if (figures.has('function')) await measureFunction(bench, variants.filter(isOrders));
  if (figures.has('share')) await measureShare(bench, trivial);
  if (figures.has('memory')) await measureMemory(bench, trivial);
  if (figures.has('growth')) {
    await measureSpans(bench, trivial);
    await measureEvents(bench, trivial);
    await measureModules(bench, trivial);
  }
  if (figures.has('recognition')) await measureRecognition(bench, cores);
  if (figures.has('sizes')) readSizes(bench, dirname(bench.layer));
}

async function runBench(given: Arguments): Promise<{ result: BenchResult; variants: readonly Variant[] }> {
  const layer = resolve(given.layer ?? defaultLayerRoot());
  const node = join(layer, 'bin/node');
  if (!existsSync(node)) throw new ArgumentMistake(`there is no layer at ${layer}: ./build.sh`);
  const unknown = given.variants?.find((name) => !variantNames.includes(name));
  if (unknown !== undefined) throw new ArgumentMistake(`there is no variant ${unknown}`);
  const noise = describeNoise();
  if (noise !== undefined) say(`note: ${noise}\n`);
  const [loadAverage = 0] = loadavg();
  const skipped: Skipped[] = [];
  const catalogue = makeCatalogue(await provideParts(given, layer, skipped));
  const wanted = given.variants ?? variantNames;
  const variants = catalogue.variants.filter(({ name, taskRoot }) => wanted.includes(name) && existsSync(taskRoot));
  skipped.push(...catalogue.skipped.filter(({ reason }) => reason !== notAsked.missing));
  const cores = await chooseCores();
  const figures = new Figures();
  await using runner = new Runner(cores);
  await runner.open();
  await measureAll({ runner, layer, rounds: given.rounds, figures, skipped, say }, variants, given.figures, cores);
  return {
    variants,
    result: {
      date: `${new Date().toISOString().slice(0, 16)}Z`,
      node: (await requireCommand([node, '--version'], './build.sh')).trim().slice(1),
      machine: describeMachine(cores),
      loadAverage,
      rounds: given.rounds,
      memoryMb: MEMORY_MB,
      titles: Object.fromEntries(variants.map(({ name, title }) => [name, title])),
      figures,
      judgements: judge(figures, readBudgets()),
      skipped,
    },
  };
}

/** Indented, with lists of numbers and objects without others in them on one line: a result file is kept under version control. */
const printJson = (value: object): string =>
  JSON.stringify(value, null, 1).replace(/\[[^[\]{}"]*\]|\{[^[\]{}]*\}/g, (flat) => flat.replace(/\n\s*/g, ' '));

async function main(): Promise<number> {
  const given = parseArguments(process.argv.slice(2));
  if (given.isHelp) {
    process.stdout.write(help);
    return 0;
  }
  const { result, variants } = await runBench(given);
  if (process.stderr.isTTY) say('');
  const json = printJson(toJson(result));
  if (given.output !== undefined) writeFileSync(given.output, `${json}\n`);
  process.stdout.write(given.isJson ? `${json}\n` : `${describeResult(result, variants)}\n`);
  if (!given.isCheck) return 0;
  const broken = findBroken(result.judgements, readBudgets());
  if (broken.length === 0) return 0;
  process.stderr.write(
    `failed: budgets broken by more than the margin:\n${budgetTable({ figures: result.figures, judgements: broken })}\n` +
      'try: the same again on a quiet machine, then look for what the last changes load or do before the response\n',
  );
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ArgumentMistake)) throw error;
  process.stderr.write(`failed: ${error.message}\ntry: npm run bench -- --help\n`);
  process.exitCode = 2;
}
