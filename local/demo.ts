// What `./build.sh demo` shows: examples/orders-api on the built layer, cold, warm and failing, frozen in between.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Io } from './command.ts';
import { type ReportOptions, reportInvocation } from './invocation-report.ts';
import { jsonReport } from './invoke-command.ts';
import { defaultLayerRoot } from './layer-location.ts';
import { atProcessEnd, exitOnSignals } from './process-end.ts';
import { processTerminal } from './process-terminal.ts';
import { styleOf } from './terminal.ts';
import { startTracedRun, type TracedInvocation } from './traced-run.ts';

const repository = path.join(import.meta.dirname, '..');
const example = path.join(repository, 'examples', 'orders-api');

type Scene = { readonly title: string; readonly event: string; readonly drawings: ReportOptions['drawings'] };

const scenes: readonly Scene[] = [
  { title: 'cold: the first order', event: 'create-order.json', drawings: ['xray', 'otlp'] },
  { title: 'warm: the second one, after a freeze', event: 'create-order.json', drawings: ['xray'] },
  { title: 'failing: the stock service answers 503', event: 'unknown-sku.json', drawings: ['xray'] },
];

/** Runs the demo; resolves with the exit code: 0 when every scene went as its title says. */
export async function runDemo(layer: string, io: Io): Promise<number> {
  if (!existsSync(path.join(layer, 'bootstrap'))) {
    io.error(`demo: there is no layer at ${layer}\ntry: ./build.sh\n`);
    return 2;
  }
  const report = { columns: io.columns, isAscii: false, isColored: io.isColored };
  const paint = styleOf(io.isColored);
  const print = (line = ''): void => io.out(`${line}\n`);

  const stock = await startStockService();
  const taskRoot = mkdtempSync(path.join(tmpdir(), 'orders-api-'));
  using _ = atProcessEnd(() => rmSync(taskRoot, { recursive: true, force: true }));
  fillTaskRoot(taskRoot);
  const run = await startTracedRun({
    bootstrap: path.join(layer, 'bootstrap'),
    taskRoot,
    handler: 'index.handler',
    functionName: 'orders-api',
    environment: { STOCK_URL: `http://127.0.0.1:${(stock.address() as AddressInfo).port}` },
    freeze: true,
  });
  try {
    const invocations: TracedInvocation[] = [];
    for (const [index, { title, event, drawings }] of scenes.entries()) {
      const json = readFileSync(path.join(example, 'events', event), 'utf8');
      const invocation = await run.invoke(JSON.parse(json));
      invocations.push(invocation);
      print(paint('bold', `${`── ${index + 1}. ${title} `.padEnd(report.columns, '─')}`));
      print(reportInvocation(invocation, { ...report, drawings }).join('\n'));
      print();
    }
    const file = path.join(repository, 'dist', 'demo.json');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(jsonReport(run, invocations), null, 2)}\n`);
    print(`Every response, document and span: ${path.relative(process.cwd(), file)}`);
    print('Your own function: npx spanstrap invoke --dir DIR --handler index.handler --event event.json');
    print(
      'On Lambda: publish dist/spanstrap-*.zip as a layer, set the runtime to provided.al2023, turn on Active tracing.',
    );
    const surprises = surprisesIn(invocations);
    for (const surprise of surprises) io.error(`demo: ${surprise}\n`);
    if (surprises.length > 0) io.error('try: ./build.sh test\n');
    return surprises.length === 0 ? 0 : 1;
  } finally {
    await run.close();
    stock.close();
  }
}

/** A service downstream that is traced by nobody: it answers after some milliseconds, and has no good answer for one article. */
async function startStockService(): Promise<Server> {
  const server = createServer((request, response) => {
    const sku = decodeURIComponent((request.url ?? '').slice('/stock/'.length));
    const [status, body] =
      sku === 'GONE-404'
        ? [503, { error: `no warehouse answers for ${sku}` }]
        : [200, { sku, available: 12, price: 4.95 }];
    setTimeout(() => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    }, 6);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** The function as `npm install` and a zip would make it: the handler and a copy of its one dependency, of its own. */
function fillTaskRoot(taskRoot: string): void {
  cpSync(example, taskRoot, { recursive: true });
  const dependency = path.join('node_modules', '@opentelemetry', 'api');
  cpSync(path.join(repository, dependency), path.join(taskRoot, dependency), { recursive: true, dereference: true });
}

/** A demo that shows something else than it says is a failure, however well it looks. */
function surprisesIn(invocations: readonly TracedInvocation[]): string[] {
  const [cold, warm, failing] = invocations.map((invocation) => ({
    status: invocation.result.status,
    isCold: invocation.result.cold,
    phases: invocation.xraySpans
      .map(({ name }) => name)
      .filter((name) => /^(Initialization|Invocation|Overhead)$/.test(name))
      .sort(),
    otlpSpans: invocation.otlpSpans.length,
    violations: invocation.datagrams.flatMap(({ violations }) => violations).length,
  }));
  const surprises = [
    [cold?.status === 'success' && cold.isCold, 'the cold invocation did not succeed'],
    [warm?.status === 'success' && !warm.isCold, 'the warm invocation did not succeed'],
    [failing?.status === 'error', 'the failing invocation did not fail as it should'],
    [cold?.phases.join() === 'Initialization,Invocation,Overhead', 'the cold trace lacks a phase or has one twice'],
    [warm?.phases.join() === 'Invocation,Overhead', 'the warm trace lacks a phase or has one too many'],
    [[cold, warm, failing].every((scene) => (scene?.otlpSpans ?? 0) > 0), 'an invocation sent no spans over OTLP'],
    [[cold, warm, failing].every((scene) => scene?.violations === 0), 'an X-Ray document breaks a rule'],
  ] as const;
  return surprises.flatMap(([isFine, text]) => (isFine ? [] : text));
}

if (import.meta.main) {
  exitOnSignals();
  const io = processTerminal();
  const layer = readLayer(io);
  process.exitCode = layer === undefined ? 2 : await runDemo(path.resolve(layer), io);
}

/** The one option. */
function readLayer(io: Io): string | undefined {
  try {
    return parseArgs({ options: { layer: { type: 'string', default: defaultLayerRoot() } } }).values.layer;
  } catch (error) {
    io.error(`demo: ${(error as Error).message.split('. ')[0]}\ntry: ./build.sh demo, without options\n`);
    return undefined;
  }
}
