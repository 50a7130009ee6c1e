// The build, as build.sh calls it: what is wanted, in which order, and what is printed at the end.

import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, parseBuildOptions } from './build-options.ts';
import { type BundleConstants, buildCommandLine, buildLayerBundles, PROJECT_FOLDER } from './bundles.ts';
import { distPath, layerName, layerTreePath, writeDistFile } from './dist-folder.ts';
import { buildLayer } from './layer-build.ts';
import type { Architecture } from './node-lock.ts';
import { NPM_PACKAGE_FOLDER, writeNpmPackage } from './npm-package.ts';
import { describeFailure, formatBytes, say, sayStep } from './progress.ts';
import { checkBudgets, formatSizeTable } from './size-table.ts';
import { stampSources } from './source-stamp.ts';

const COMMAND_LINE_FILE = 'cli.mjs';

const buildCommandLineTool = async (constants: BundleConstants): Promise<void> => {
  const startedAt = performance.now();
  const built = await buildCommandLine('local/spanstrap.ts', constants);
  await writeDistFile(COMMAND_LINE_FILE, built.code, 0o755);
  await writeNpmPackage(built);
  sayStep('command line', `${formatBytes(built.code.length)}, and the npm package in dist/npm`, startedAt);
};

const stampName = (architecture: Architecture): string => `.stamp-${architecture}`;

const isBuilt = async (architecture: Architecture, nodeVersion: string, stamp: string): Promise<boolean> => {
  const former = await readFile(distPath(stampName(architecture)), 'utf8').catch(() => '');
  const outcome = [
    distPath(`${layerName(architecture, nodeVersion)}.zip`),
    join(layerTreePath(architecture), 'bootstrap'),
    distPath(COMMAND_LINE_FILE),
    NPM_PACKAGE_FOLDER,
  ];
  return former === stamp && outcome.every((path) => existsSync(path));
};

/** All of what was asked for ends before a failure of one part is reported: the `try:` line must be the last. */
const finishAll = async <T>(parts: readonly Promise<T>[]): Promise<T[]> => {
  await Promise.allSettled(parts);
  return Promise.all(parts);
};

export const buildAll = async (options: BuildOptions): Promise<void> => {
  const { nodeVersion, isCodeCacheWanted, isOnlyIfChanged } = options;
  const manifest = JSON.parse(await readFile(join(PROJECT_FOLDER, 'package.json'), 'utf8')) as { version: string };
  const constants = { version: manifest.version, nodeVersion };
  const stamp = await stampSources(`${nodeVersion} ${isCodeCacheWanted}`);
  const wanted: Architecture[] = [];
  for (const architecture of options.architectures) {
    if (isOnlyIfChanged && (await isBuilt(architecture, nodeVersion, stamp)))
      sayStep(`layer ${architecture}`, 'up to date');
    else wanted.push(architecture);
  }
  if (wanted.length === 0) return;
  for (const architecture of wanted) await rm(distPath(stampName(architecture)), { force: true });

  const startedAt = performance.now();
  const bundles = await buildLayerBundles(constants);
  for (const { name, metafile } of bundles) await writeDistFile(`metafile-${name}.json`, JSON.stringify(metafile));
  sayStep('bundles', bundles.map(({ name, code }) => `${name} ${formatBytes(code.length)}`).join(', '), startedAt);
  const commandLine = buildCommandLineTool(constants);
  const layers = wanted.map((architecture) => buildLayer(architecture, options, constants, bundles));
  await finishAll<unknown>([commandLine, ...layers]);

  const built = await Promise.all(layers);
  for (const { name, sizes } of built) say(formatSizeTable(`dist/${name}.zip`, sizes));
  for (const { sizes } of built) checkBudgets(sizes);
  for (const architecture of wanted) await writeDistFile(stampName(architecture), stamp);
};

if (import.meta.main) {
  try {
    await buildAll(parseBuildOptions(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}
