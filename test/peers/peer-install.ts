// AWS's own runtime clients for Node 22 and Node 24, installed and compiled into .cache once. They are the oracle of the
// differential test: what is compared with them is elsewhere.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_FOLDER, makeFolder } from '../../layer/cache-folder.ts';
import { requireCommand, runCommand } from '../../layer/command.ts';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'clients');
const SOURCES = ['package.json', 'package-lock.json', 'start-node22.mjs'];
/** To be counted up when `compile` changes. */
const RECIPE = '1';
/** Headers of a Node, so that node-gyp fetches none; the addons use Node-API, which is the same for both. */
const NODE_FOLDER = dirname(dirname(process.execPath));

export type Peer = {
  /** Starts it as the managed runtime's bootstrap does, Node flags included. */
  readonly command: readonly [string, ...string[]];
  readonly executionEnvironment: string;
};
export type Peers = { readonly node22: Peer; readonly node24: Peer };

/** Installs what is not there yet. A machine that cannot is told by `missing`; a compilation that fails is an error. */
export async function providePeers(say: (text: string) => void): Promise<Peers | { readonly missing: string }> {
  const hash = createHash('sha256').update(RECIPE);
  for (const file of SOURCES) hash.update(await readFile(join(FOLDER, file)));
  const target = join(CACHE_FOLDER, `peers-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(target)) {
    const missing = await missingTool();
    if (missing !== undefined) return { missing };
    let networkFailure: string | undefined;
    await makeFolder(target, async (folder) => {
      say('installing aws-lambda-ric 3.3.0 and 4.0.2 (npm ci)');
      networkFailure = await install(folder);
      if (networkFailure !== undefined) return;
      say('compiling their native parts, which takes a minute');
      await compile(folder);
    });
    if (networkFailure !== undefined) {
      await rm(target, { recursive: true });
      return { missing: networkFailure };
    }
  }
  return peersIn(target);
}

async function missingTool(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `aws-lambda-ric compiles on Linux only, this is ${process.platform}`;
  if (!existsSync(join(NODE_FOLDER, 'include/node/node_api.h')))
    return `there are no headers of Node at ${NODE_FOLDER}`;
  for (const tool of ['npm', 'cmake', 'make', 'gcc', 'g++', 'python3', 'tar', 'xz']) {
    const { exitCode } = await runCommand([tool, '--version']);
    if (exitCode !== 0) return `there is no ${tool}, which aws-lambda-ric is compiled with`;
  }
  return undefined;
}

/** Without their install scripts, which want autotools, and headers from the network. Returns why it failed. */
async function install(folder: string): Promise<string | undefined> {
  for (const file of SOURCES) await copyFile(join(FOLDER, file), join(folder, file));
  const command = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { exitCode, stderr } = await runCommand(command, { cwd: folder });
  return exitCode === 0 ? undefined : `npm ci failed: ${stderr.trim().split('\n')[0]}`;
}

async function compile(folder: string): Promise<void> {
  const ric22 = join(folder, 'node_modules/ric-node22');
  const ric24 = join(folder, 'node_modules/ric-node24');
  const deps22 = join(ric22, 'deps');
  const artifacts22 = join(deps22, 'artifacts');
  const advice = 'rm -rf .cache/peers-*, then run the test again';
  const run = (command: readonly string[], cwd: string, more: Record<string, string> = {}): Promise<string> =>
    requireCommand(command, advice, {
      cwd,
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ...more },
    });
  await run(['sh', 'scripts/preinstall.sh'], ric24);

  // 3.3.0 brings curl as a git snapshot, which needs autotools; the newer one of 4.0.2 takes its place.
  await mkdir(artifacts22, { recursive: true });
  for (const part of ['bin', 'include/curl', 'lib/libcurl.a']) {
    await cp(join(ric24, 'deps/artifacts', part), join(artifacts22, part), { recursive: true });
  }
  const cpp = 'aws-lambda-cpp-0.2.8';
  await run(['tar', '-xzf', `${cpp}.tar.gz`, '--no-same-owner'], deps22);
  const build = join(deps22, cpp, 'build');
  await mkdir(build);
  const options = [
    '-DCMAKE_CXX_FLAGS=-fPIC',
    `-DCMAKE_INSTALL_PREFIX=${artifacts22}`,
    `-DCMAKE_PREFIX_PATH=${artifacts22}`,
  ];
  await run(['cmake', '..', ...options], build);
  await run(['make', `-j${availableParallelism()}`, 'install'], build);

  const gyp = join(
    dirname(createRequire(join(ric24, 'package.json')).resolve('node-gyp/package.json')),
    'bin/node-gyp.js',
  );
  const gypBuild = [process.execPath, gyp, 'rebuild', `--nodedir=${NODE_FOLDER}`];
  await run(gypBuild, ric22);
  await copyFile(join(ric22, 'build/Release/rapid-client.node'), join(ric22, 'dist/rapid-client.node'));
  await run([...gypBuild, '--directory=src/native'], ric24, { DEPS_PREFIX: join(ric24, 'deps/artifacts') });
  await copyFile(join(ric24, 'src/native/build/Release/rapid-client.node'), join(ric24, 'rapid-client.node'));
  for (const waste of [deps22, join(ric22, 'build'), join(ric24, 'deps'), join(ric24, 'src')]) {
    await rm(waste, { recursive: true });
  }
}

function peersIn(folder: string): Peers {
  const node22 = join(folder, `node_modules/node22-${process.arch}/bin/node`);
  // Flags of the managed bootstrap script; of the memory flags only that there are such.
  const flags = [
    '--expose-gc',
    '--max-http-header-size',
    '81920',
    '--max-semi-space-size=25',
    '--max-old-space-size=461',
  ];
  return {
    node22: {
      command: [
        node22,
        ...flags,
        '--no-experimental-require-module',
        '--no-experimental-detect-module',
        join(folder, 'start-node22.mjs'),
      ],
      executionEnvironment: 'AWS_Lambda_nodejs22.x',
    },
    node24: {
      command: [process.execPath, ...flags, join(folder, 'node_modules/ric-node24/index.mjs')],
      executionEnvironment: 'AWS_Lambda_nodejs24.x',
    },
  };
}
