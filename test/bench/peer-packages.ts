// What the benchmark compares with, installed and bundled into .cache once: other tracers, and the packages of the real function.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { CACHE_FOLDER, makeFolder } from '../../layer/cache-folder.ts';
import { runCommand } from '../../layer/command.ts';

const SOURCES = fileURLToPath(new URL('peers', import.meta.url));
const HANDLERS = fileURLToPath(new URL('functions', import.meta.url));
/** To be counted up when the options of `bundleAll` change. */
const RECIPE = '2';

export type PeerFolder = { readonly folder: string } | { readonly missing: string };

class InstallFailure extends Error {}

/** The folder has `node_modules`, the handlers, the bundles of tracers, and the real function in `orders/` and `orders-esm/`. */
export async function providePeerPackages(say: (text: string) => void): Promise<PeerFolder> {
  const files = await listSources();
  const hash = createHash('sha256').update(RECIPE);
  for (const file of files) hash.update(await readFile(file));
  const target = join(CACHE_FOLDER, `bench-peers-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return { folder: target };
  try {
    await makeFolder(target, async (folder) => {
      say('installing the packages of test/bench/peers (npm ci), half a gigabyte');
      await install(folder);
      for (const file of files) await copyFile(file, join(folder, basename(file)));
      // Under the name that nearly every handler's file has: not all tracers look for others.
      for (const file of files.filter((name) => name.startsWith(HANDLERS)))
        await copyFile(file, join(folder, basename(file).replace(/\.cjs$/, '.js')));
      await bundleAll(folder);
    });
  } catch (error) {
    if (error instanceof InstallFailure) return { missing: error.message };
    throw error;
  }
  return { folder: target };
}

async function listSources(): Promise<string[]> {
  const list = async (folder: string): Promise<string[]> =>
    (await readdir(folder)).sort().map((name) => join(folder, name));
  return [
    join(SOURCES, 'package.json'),
    join(SOURCES, 'package-lock.json'),
    ...(await list(join(SOURCES, 'sources'))),
    ...(await list(HANDLERS)),
  ];
}

async function install(folder: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json']) await copyFile(join(SOURCES, name), join(folder, name));
  // Nothing of what is compared needs to be compiled, and no package gets to run a script here.
  const { exitCode, stderr } = await runCommand(
    ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder },
  );
  if (exitCode !== 0) throw new InstallFailure(`npm ci failed: ${stderr.trim().split('\n')[0]}`);
}

/**
 * One copy of each OpenTelemetry package that package.json names, as the layer's own tree has it: here it stands beside trees of
 * other versions.
 */
async function singleCopyIn(folder: string): Promise<Plugin> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { dependencies: object };
  const isResolved = Symbol('resolved');
  return {
    name: 'single-copy',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^@opentelemetry\// }, ({ path, kind, pluginData }) => {
        if (pluginData === isResolved || !Object.hasOwn(manifest.dependencies, path)) return undefined;
        return resolve(path, { kind, resolveDir: folder, pluginData: isResolved });
      });
    },
  };
}

async function bundleAll(folder: string): Promise<void> {
  const shared = {
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    platform: 'node',
    // As webpack does it for both layers.
    mainFields: ['module', 'main'],
    external: ['import-in-the-middle', '@aws-sdk/*'],
    // As webpack does that too.
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'silent',
    allowOverwrite: true,
  } as const satisfies BuildOptions;
  const bundle = (name: string, plugins: Plugin[]) =>
    build({ ...shared, format: 'cjs', entryPoints: [`${name}.js`], outfile: `${name}.js`, plugins });
  await bundle('opentelemetry-layer', [await singleCopyIn(folder)]);
  await bundle('adot', []);
  await bundle('adot-fast', []);
  const { external: _external, define: _define, banner: _banner, ...inside } = shared;
  await mkdir(join(folder, 'orders'));
  await build({ ...inside, format: 'cjs', entryPoints: ['orders.mjs'], outfile: 'orders/index.js' });
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({ ...inside, format: 'esm', banner, entryPoints: ['orders.mjs'], outfile: 'orders-esm/index.mjs' });
}
