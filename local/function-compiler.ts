// Has the layer's own Node compile a function: a run in the emulator that loads it, and one that proves that V8 takes the result.
// What the runtime does with it is runtime/handler/compile-cache.ts.

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import type { CompiledModule } from '../runtime/handler/compile-cache-folder.ts';
import { type CompileCache, placeCompileCache } from './compile-cache-writer.ts';
import { type Emulator, startEmulator } from './emulator/emulator.ts';
import type { FunctionVariables } from './function-variables.ts';
import { recordModules } from './module-recorder.ts';
import { cacheFileName } from './node-compile-cache.ts';
import { atProcessEnd } from './process-end.ts';

export type CompileRequest = {
  readonly dir: string;
  readonly handler: string;
  readonly layer: string;
  /** Where the function will lie: Lambda's /var/task. The runtime uses the cache there and nowhere else. */
  readonly root: string;
  /** JSON. The handler is called with it once; not given: the module is only loaded. */
  readonly event: string | undefined;
  readonly variables: FunctionVariables;
};

export type CompileResult = {
  readonly modules: readonly (CompiledModule & { readonly cacheBytes: number })[];
  /** Start to first poll in the emulator, the better of two runs each. */
  readonly initMs: { readonly before: number; readonly after: number };
};

/** The function did not load, or its code cannot be kept. The function's folder is as it was. */
export class CompileFailure extends Error {
  override readonly name = 'CompileFailure';
}

const NO_COMPILE_CACHE = { NODE_DISABLE_COMPILE_CACHE: '1' };
const RECORDING_DEADLINE_MS = 60_000;

/** Writes `spanstrap-cache/` into the function's folder, in the place of what was there. Throws CompileFailure. */
export async function compileFunction(request: CompileRequest): Promise<CompileResult> {
  const before = await measureInit(request, NO_COMPILE_CACHE);
  const workFolder = mkdtempSync(path.join(tmpdir(), 'spanstrap-compile-'));
  using _ = atProcessEnd(() => rmSync(workFolder, { recursive: true, force: true }));
  // First for the place where it is now, to be tried, then for the one where it is to be used.
  const made = await record(request, workFolder);
  using placed = placeCompileCache(request.dir, made);
  const accepted = await findAccepted(request);
  const modules = made.modules.filter(({ path: name }) => accepted.has(name));
  if (modules.length === 0) throw new CompileFailure(`V8 does not take the cache it has made of ${request.handler}`);
  const after = await measureInit(request, {});
  placed.keep(moveTo(request.root, { ...made, modules }));
  return {
    modules: modules.map((module) => ({ ...module, cacheBytes: made.contents.get(module.cache)!.length })),
    initMs: { before, after },
  };
}

function start(request: CompileRequest, environment: Readonly<Record<string, string>>): Promise<Emulator> {
  return startEmulator({
    bootstrap: path.join(request.layer, 'bootstrap'),
    taskRoot: request.dir,
    handler: request.handler,
    functionName: path.basename(request.dir),
    platformEnvironment: { ...request.variables, ...environment },
    memoryMb: 1024,
    initTimeoutMs: 60_000,
  });
}

async function init(emulator: Emulator): Promise<number> {
  try {
    return await emulator.init();
  } catch (error) {
    throw new CompileFailure((error as Error).message);
  }
}

const MEASURED_RUNS = 2;

/** The best of the runs: whatever else the machine does only adds to it. */
async function measureInit(request: CompileRequest, environment: Readonly<Record<string, string>>): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < MEASURED_RUNS; run++) {
    await using emulator = await start(request, environment);
    bestMs = Math.min(bestMs, await init(emulator));
  }
  return bestMs;
}

/** Runs the function once, with its module and, if there is an event, its handler, and collects what Node has written. */
async function record(request: CompileRequest, workFolder: string): Promise<CompileCache> {
  const recorder = path.join(workFolder, 'recorder.cjs');
  const wrapper = path.join(workFolder, 'wrapper');
  writeFileSync(recorder, `(${recordModules})(require, ${JSON.stringify(workFolder)});\n`);
  // Lambda's own way of changing how the runtime is started; Node takes this option on its command line only.
  writeFileSync(wrapper, `#!/bin/sh\nnode=$1\nshift\nexec "$node" --expose-internals --require '${recorder}' "$@"\n`);
  chmodSync(wrapper, 0o755);
  await using emulator = await start(request, { ...NO_COMPILE_CACHE, AWS_LAMBDA_EXEC_WRAPPER: wrapper });
  await init(emulator);
  if (request.event !== undefined) {
    const result = await emulator.invoke(request.event);
    if (result.status !== 'success') throw new CompileFailure(`the handler failed with this event: ${result.text}`);
    await result.idle;
  }
  emulator.kill('SIGUSR2');
  const file = path.join(workFolder, 'modules.json');
  await emulator.waitFor(() => existsSync(file), {
    what: 'the compiled modules',
    deadlineMs: RECORDING_DEADLINE_MS,
  });
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  if ('error' in report) throw new CompileFailure(`this Node cannot write compile caches: ${report.error}`);
  return collect(request.dir, workFolder, report);
}

type Report =
  | { readonly error: string }
  | {
      readonly node: string;
      readonly arch: string;
      readonly v8: string;
      readonly modules: readonly { file: string; isModule: boolean }[];
    };

function collect(dir: string, workFolder: string, report: Exclude<Report, { error: string }>): CompileCache {
  const root = realpathSync(dir);
  const folder = readdirSync(workFolder, { withFileTypes: true }).find((entry) => entry.isDirectory())?.name ?? '';
  const modules: CompiledModule[] = [];
  const contents = new Map<string, Uint8Array>();
  for (const { file, isModule } of report.modules) {
    const name = path.relative(root, file);
    const cache = cacheFileName(file, isModule);
    const written = path.join(workFolder, folder, cache);
    // What lies elsewhere, a layer say, may not be there on Lambda.
    if (name.startsWith('..') || !existsSync(written)) continue;
    const [source, bytes] = [readFileSync(file), readFileSync(written)];
    const sums = { crc32: crc32(source), cacheCrc32: crc32(bytes) };
    modules.push({ path: name, isModule, bytes: source.length, ...sums, cache });
    contents.set(cache, bytes);
  }
  if (modules.length === 0)
    throw new CompileFailure('nothing of what was loaded can be compiled ahead: no JavaScript file of this folder');
  const { node, arch, v8 } = report;
  return { manifest: { node, arch, v8, root }, modules, contents };
}

/** The same cache under the names that Node looks for where the function will lie. */
function moveTo(root: string, { manifest, modules, contents }: CompileCache): CompileCache {
  const moved = modules.map((module) => ({
    ...module,
    cache: cacheFileName(path.join(root, module.path), module.isModule),
  }));
  return {
    manifest: { ...manifest, root },
    modules: moved,
    contents: new Map(moved.map(({ cache }, at) => [cache, contents.get(modules[at]!.cache)!])),
  };
}

/** Starts the function as it is and listens to what Node says of its compile cache. Returns paths relative to the folder. */
async function findAccepted(request: CompileRequest): Promise<ReadonlySet<string>> {
  await using emulator = await start(request, { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
  await init(emulator);
  await emulator.shutdown();
  const root = realpathSync(request.dir);
  const accepted = new Set<string>();
  for (const line of emulator.logs) {
    const [, type, name] = /V8 code cache for (CommonJS|ESM) (.+) was accepted/.exec(line) ?? [];
    if (name !== undefined) accepted.add(path.relative(root, type === 'ESM' ? fileURLToPath(name) : name));
  }
  return accepted;
}
