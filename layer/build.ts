// The build of the layer, as build.sh calls it: bundles, Node, code caches, zips, SBOMs, the size table.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bundle, buildCommandLine, buildLayerBundles, PROJECT_FOLDER } from './bundles.ts';
import { type CodeCaches, findLauncher, makeCodeCaches } from './code-cache.ts';
import { deflate } from './deflate.ts';
import { codeCacheFiles, type LayerFile, licenceFiles, nodeFile, scriptFiles, writeLayerTree } from './layer-tree.ts';
import { type NodeBinary, provideNodeBinary } from './node-binary.ts';
import { type Architecture, readNodeLock } from './node-lock.ts';
import { BuildError, describeFailure, formatBytes, say, sayStep, yellow } from './progress.ts';
import { checkBudgets, formatSizeTable, makeSizeTable, type SizedFile } from './size-table.ts';
import { stampSources } from './source-stamp.ts';
import { makeZip } from './zip.ts';

const DIST_FOLDER = join(PROJECT_FOLDER, 'dist');
const architectures: readonly Architecture[] = ['x86_64', 'arm64'];

export type BuildOptions = {
  readonly architectures: readonly Architecture[];
  readonly nodeVersion: string;
  readonly isUnlockedAllowed: boolean;
  readonly isCodeCacheWanted: boolean;
  /** Nothing is built where dist/ is what the sources would give. */
  readonly isOnlyIfChanged: boolean;
};

const hostArchitecture = (): Architecture => (process.arch === 'arm64' ? 'arm64' : 'x86_64');

const parseOptions = (args: readonly string[]): BuildOptions => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      arch: { type: 'string' },
      node: { type: 'string' },
      'allow-unlocked': { type: 'boolean', default: false },
      'no-code-cache': { type: 'boolean', default: false },
      'if-changed': { type: 'boolean', default: false },
    },
  });
  const chosen = values.arch === 'host' ? hostArchitecture() : values.arch;
  const known = architectures.find((architecture) => architecture === chosen);
  if (chosen !== undefined && known === undefined) {
    throw new BuildError(
      `--arch ${chosen} is none of ${architectures.join(', ')}`,
      `./build.sh --arch ${architectures[0]}`,
    );
  }
  const nodeVersion = (values.node ?? readNodeLock().default).replace(/^v/, '');
  if (!/^\d+\.\d+\.\d+$/.test(nodeVersion)) {
    throw new BuildError(`--node ${nodeVersion} is no full version`, `./build.sh --node ${readNodeLock().default}`);
  }
  return {
    architectures: known === undefined ? architectures : [known],
    nodeVersion,
    isUnlockedAllowed: values['allow-unlocked'],
    isCodeCacheWanted: !values['no-code-cache'],
    isOnlyIfChanged: values['if-changed'],
  };
};

const writeWhole = async (
  path: string,
  contents: string | Uint8Array | readonly Uint8Array[],
  mode = 0o644,
): Promise<void> => {
  await writeFile(`${path}.partial`, contents as string | Uint8Array | Uint8Array[], { mode });
  await rename(`${path}.partial`, path);
};

/** Zips the files as dist/NAME.zip with NAME.zip.sha256 beside it; prints and checks the size table. */
const writeZip = async (name: string, files: readonly LayerFile[]): Promise<void> => {
  const startedAt = performance.now();
  const deflated = await Promise.all(files.map(({ contents }) => deflate(contents)));
  const chunks = makeZip(
    files.map(({ path, mode, contents }, index) => ({ name: path, mode, contents, deflated: deflated[index]! })),
  );
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const sha256 = hash.digest('hex');
  const zipBytes = chunks.reduce((sum, { length }) => sum + length, 0);
  await writeWhole(join(DIST_FOLDER, `${name}.zip`), chunks);
  await writeWhole(join(DIST_FOLDER, `${name}.zip.sha256`), `${sha256}  ${name}.zip\n`);
  sayStep(`zip ${name}`, `${formatBytes(zipBytes)}  sha256 ${sha256.slice(0, 16)}`, startedAt);
  const sized = files.map((file, index): SizedFile => ({ ...file, zippedBytes: deflated[index]!.length }));
  const table = makeSizeTable(sized, zipBytes);
  say(formatSizeTable(`${name}.zip`, table));
  checkBudgets(table);
};

const buildCodeCaches = async (
  binary: NodeBinary,
  { isCodeCacheWanted }: BuildOptions,
  bundles: readonly Bundle[],
): Promise<CodeCaches> => {
  const what = `code cache ${binary.architecture}`;
  const leaveOut = (reason: string): CodeCaches => {
    sayStep(what, yellow(`none, the layer starts without it: ${reason}`));
    return new Map();
  };
  if (!isCodeCacheWanted) return leaveOut('--no-code-cache');
  if (!bundles.some(({ name }) => name === 'runtime')) return leaveOut('there is no runtime bundle');
  const found = await findLauncher(binary.architecture, binary.path);
  if ('missing' in found) return leaveOut(found.missing);
  const startedAt = performance.now();
  const caches = await makeCodeCaches(bundles, binary, found.launcher);
  sayStep(what, [...caches].map(([name, { length }]) => `${name} ${formatBytes(length)}`).join(', '), startedAt);
  return caches;
};

const buildLayer = async (
  architecture: Architecture,
  options: BuildOptions,
  bundles: readonly Bundle[],
): Promise<void> => {
  const { nodeVersion, isUnlockedAllowed } = options;
  const binary = await provideNodeBinary(nodeVersion, architecture, isUnlockedAllowed);
  const files: LayerFile[] = [
    ...(await scriptFiles(nodeVersion, bundles)),
    await nodeFile(binary),
    ...(await licenceFiles(await readFile(binary.licencePath, 'utf8'))),
    ...codeCacheFiles(await buildCodeCaches(binary, options, bundles)),
  ];
  await writeLayerTree(join(DIST_FOLDER, `layer-${architecture}`), files);
  await writeZip(`spanstrap-node${nodeVersion.split('.')[0]}-${architecture}`, files);
};

const buildCommandLineTool = async (constants: { version: string; nodeVersion: string }): Promise<void> => {
  const entry = ['local/spanstrap.ts', 'local/cli.ts'].find((path) => existsSync(join(PROJECT_FOLDER, path)));
  if (entry === undefined) return sayStep('command line', yellow('skipped: there is no local/spanstrap.ts yet'));
  const startedAt = performance.now();
  const code = await buildCommandLine(entry, constants);
  await writeWhole(join(DIST_FOLDER, 'cli.mjs'), code, 0o755);
  sayStep('command line', formatBytes(code.length), startedAt);
};

const stampPath = (architecture: Architecture): string => join(DIST_FOLDER, `.stamp-${architecture}`);

const isBuilt = async (architecture: Architecture, stamp: string): Promise<boolean> => {
  const former = await readFile(stampPath(architecture), 'utf8').catch(() => '');
  return former === stamp;
};

export const buildAll = async (options: BuildOptions): Promise<void> => {
  const { version } = JSON.parse(await readFile(join(PROJECT_FOLDER, 'package.json'), 'utf8')) as { version: string };
  const constants = { version, nodeVersion: options.nodeVersion };
  const stamp = await stampSources(options.nodeVersion);
  const wanted: Architecture[] = [];
  for (const architecture of options.architectures) {
    if (options.isOnlyIfChanged && (await isBuilt(architecture, stamp))) sayStep(`layer ${architecture}`, 'up to date');
    else wanted.push(architecture);
  }
  if (wanted.length === 0) return;
  await mkdir(DIST_FOLDER, { recursive: true });
  await Promise.all(wanted.map((architecture) => rm(stampPath(architecture), { force: true })));
  const startedAt = performance.now();
  const { bundles, missingEntries } = await buildLayerBundles(constants);
  for (const { name, metafile } of bundles) {
    await writeWhole(join(DIST_FOLDER, `metafile-${name}.json`), JSON.stringify(metafile));
  }
  sayStep('bundles', bundles.map(({ name, code }) => `${name} ${formatBytes(code.length)}`).join(', '), startedAt);
  for (const entry of missingEntries) sayStep('bundles', yellow(`skipped: there is no ${entry} yet`));
  await Promise.all([
    buildCommandLineTool(constants),
    ...wanted.map((architecture) => buildLayer(architecture, options, bundles)),
  ]);
  await Promise.all(wanted.map((architecture) => writeWhole(stampPath(architecture), stamp)));
};

if (import.meta.main) {
  try {
    await buildAll(parseOptions(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}
