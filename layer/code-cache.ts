// V8 code caches of the bundles, made by the layer's own Node after a warmed run and checked in a fresh process.

import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, buildBundle } from './bundles.ts';
import { CACHE_FOLDER } from './cache-folder.ts';
import { lastWords, requireCommand, runCommand } from './command.ts';
import { makeBootstrapScript } from './layer-tree.ts';
import type { NodeBinary } from './node-binary.ts';
import type { Architecture } from './node-lock.ts';
import { BuildError, sayStep, yellow } from './progress.ts';
import { openWarmUpApi } from './warm-up-api.ts';

/** Name of the bundle -> its cache. */
export type CodeCaches = ReadonlyMap<string, Uint8Array>;

/** How a program of the layer's architecture is started here: nothing, or the emulator and its arguments. */
export type Launcher = readonly string[];

const WARM_UP_DEADLINE_MS = 180_000;
/** MB; the flags that the bootstrap derives from them must not disturb the cache. */
const checkedMemorySizes = [128, 1024, 10_240];

/** The order of property tables in a cache follows the hash seed, which is random otherwise. */
const FIXED_HASH_SEED = '--hash-seed=1';

/**
 * What V8 does by the clock must not reach the cache: bytecode of functions that were not called for a while is not thrown away,
 * and nothing is compiled beyond bytecode, which leaves marks on functions.
 */
const UNHURRIED = ['--no-flush-bytecode', '--no-sparkplug', '--no-maglev', '--no-turbofan'];

const defaultSysroot = '/usr/aarch64-linux-gnu';

/** The launcher for `architecture`, or why there is none. */
export const findLauncher = async (
  architecture: Architecture,
  binary: string,
): Promise<{ readonly launcher: Launcher } | { readonly missing: string }> => {
  const isNative = (architecture === 'arm64') === (process.arch === 'arm64');
  const emulator = architecture === 'arm64' ? 'qemu-aarch64-static' : 'qemu-x86_64-static';
  const sysroot = architecture === 'arm64' ? defaultSysroot : '/usr/x86_64-linux-gnu';
  const launcher = isNative ? [] : [emulator, '-L', sysroot];
  const { exitCode, stderr } = await runCommand([...launcher, binary, '--version']);
  if (exitCode === 0) return { launcher };
  const reason = stderr.trim().split('\n')[0];
  if (isNative)
    throw new BuildError(`${binary} does not start: ${reason}`, 'check that this machine has glibc 2.28 and libstdc++');
  const isInstalled = !reason?.includes('ENOENT');
  return { missing: isInstalled ? `${emulator} -L ${sysroot}: ${reason}` : `${emulator} is not installed` };
};

/** The flags that the layer's bootstrap gives Node at a memory size, asked of the bootstrap itself. */
const readBootstrapFlags = async (folder: string, memoryMb: number): Promise<string[]> => {
  const output = await requireCommand([join(folder, 'bootstrap')], 'test/layer/bootstrap-script.test.ts', {
    env: {
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
      AWS_LAMBDA_EXEC_WRAPPER: join(folder, 'print-arguments'),
      SPANSTRAP_NODE: process.execPath,
    },
  });
  return output.trim().split('\n').slice(1, -1);
};

const environmentOfFunction = (folder: string): Record<string, string> => ({
  _HANDLER: 'index.handler',
  AWS_LAMBDA_FUNCTION_NAME: 'warm-up',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/warm-up',
  AWS_LAMBDA_LOG_STREAM_NAME: 'warm-up',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_REGION: 'eu-west-1',
  AWS_DEFAULT_REGION: 'eu-west-1',
  LAMBDA_TASK_ROOT: join(folder, 'task'),
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  TMPDIR: folder,
  LANG: 'en_US.UTF-8',
  PATH: '/usr/local/bin:/usr/bin:/bin',
  TZ: ':UTC',
});

/** Lays out a folder like the layer's, with the warm-up's own programs beside it. */
const writeWarmUpFolder = async (folder: string, bundles: readonly Bundle[], nodeVersion: string): Promise<void> => {
  const constants = { version: '0.0.0', nodeVersion };
  const buildTool = (name: string) => buildBundle(name, `layer/${name}.ts`, constants);
  const [warmStart, cacheRewrite, cacheCheck, handler, bootstrap] = await Promise.all([
    buildTool('warm-start'),
    buildTool('cache-rewrite'),
    buildTool('cache-check'),
    buildTool('warm-up-handler'),
    makeBootstrapScript(nodeVersion),
  ]);
  await mkdir(join(folder, 'spanstrap'));
  await mkdir(join(folder, 'task'));
  await Promise.all([
    ...bundles.map(({ name, code }) => writeFile(join(folder, 'spanstrap', `${name}.cjs`), code)),
    writeFile(join(folder, 'task/index.js'), handler.code),
    writeFile(join(folder, 'task/package.json'), '{}'),
    writeFile(join(folder, 'warm-start.cjs'), warmStart.code),
    writeFile(join(folder, 'cache-rewrite.cjs'), cacheRewrite.code),
    writeFile(join(folder, 'cache-check.cjs'), cacheCheck.code),
    writeFile(join(folder, 'bootstrap'), bootstrap),
    writeFile(join(folder, 'print-arguments'), '#!/bin/sh\nprintf \'%s\\n\' "$@"\n'),
  ]);
  await Promise.all([chmod(join(folder, 'bootstrap'), 0o755), chmod(join(folder, 'print-arguments'), 0o755)]);
};

const runWarmUp = async (folder: string, command: readonly string[]): Promise<void> => {
  const api = await openWarmUpApi();
  const warmStart = [
    ...command,
    FIXED_HASH_SEED,
    ...UNHURRIED,
    ...(await readBootstrapFlags(folder, 1024)),
    join(folder, 'warm-start.cjs'),
    join(folder, 'spanstrap'),
    join(folder, 'spanstrap'),
  ];
  const env = { ...environmentOfFunction(folder), ...api.environment };
  const deadline = AbortSignal.timeout(WARM_UP_DEADLINE_MS);
  const ended = runCommand(warmStart, { cwd: join(folder, 'task'), env, signal: deadline });
  let apiFailure: unknown;
  api.serve().catch((error: unknown) => {
    apiFailure = error;
  });
  const { exitCode, stdout, stderr } = await ended;
  api.close();
  const words = lastWords(`${apiFailure ?? ''}\n${stderr}\n${stdout}`);
  if (exitCode === 0 && apiFailure === undefined) {
    // A complaint means that code for trouble has run: it is in this cache, and not in that of the next build.
    if (words !== '')
      sayStep('code cache', yellow(`the warm-up run was not smooth, this cache may differ from others:\n  ${words}`));
    return;
  }
  throw new BuildError(
    `the warm-up run of the bundles ended with ${deadline.aborted ? 'its deadline' : (exitCode ?? 'a signal')}:\n  ${words}`,
    './build.sh --no-code-cache, then run the layer in the emulator to see what is wrong with it',
  );
};

const rewriteCaches = async (folder: string, command: readonly string[], names: readonly string[]): Promise<void> => {
  const rewrite = [...command, FIXED_HASH_SEED, join(folder, 'cache-rewrite.cjs'), join(folder, 'spanstrap'), ...names];
  await requireCommand(rewrite, './build.sh --no-code-cache');
};

const checkCaches = async (folder: string, command: readonly string[], names: readonly string[]): Promise<void> => {
  for (const memoryMb of checkedMemorySizes) {
    const flags = await readBootstrapFlags(folder, memoryMb);
    const check = [...command, ...flags, join(folder, 'cache-check.cjs'), join(folder, 'spanstrap'), ...names];
    const rejected = await requireCommand(check, './build.sh --no-code-cache');
    if (rejected === '') continue;
    throw new BuildError(
      `V8 rejects the code cache of ${rejected} under ${flags.join(' ')}`,
      './build.sh --no-code-cache: this V8 counts one of these flags among those that change code, as that of Node 22 does',
    );
  }
};

/** Makes and checks the caches of the bundles that the warm-up loads. Throws a BuildError when it fails or V8 rejects a cache. */
export const makeCodeCaches = async (
  bundles: readonly Bundle[],
  binary: NodeBinary,
  launcher: Launcher,
): Promise<CodeCaches> => {
  await mkdir(CACHE_FOLDER, { recursive: true });
  const folder = await mkdtemp(join(CACHE_FOLDER, 'warm-up-'));
  try {
    await writeWarmUpFolder(folder, bundles, binary.version);
    const command = [...launcher, binary.path];
    await runWarmUp(folder, command);
    const bundleFolder = join(folder, 'spanstrap');
    const names = bundles.map(({ name }) => name).filter((name) => existsSync(join(bundleFolder, `${name}.cache`)));
    await rewriteCaches(folder, command, names);
    await checkCaches(folder, command, names);
    const caches = names.map(async (name) => [name, await readFile(join(bundleFolder, `${name}.cache`))] as const);
    return new Map(await Promise.all(caches));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
