// The layer of one architecture, from the bundles to the zip in dist/ with its checksum and SBOM.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { BuildOptions } from './build-options.ts';
import { formatLicences, listBundledPackages, mergePackages } from './bundled-packages.ts';
import type { Bundle, BundleConstants } from './bundles.ts';
import { type CodeCaches, findLauncher, type Launcher, makeCodeCaches } from './code-cache.ts';
import { deflateAll } from './deflate.ts';
import { layerName, layerTreePath, writeDistFile, writeLayerTree } from './dist-folder.ts';
import { codeApiFiles, codeCacheFiles, type LayerFile, licenceFiles, nodeFile, scriptFiles } from './layer-tree.ts';
import { type NodeBinary, provideNodeBinary } from './node-binary.ts';
import type { Architecture } from './node-lock.ts';
import { provideLayerPackages } from './packages.ts';
import { formatBytes, sayStep, yellow } from './progress.ts';
import { makeSbom, readNodeComponents } from './sbom.ts';
import { checkElfNeeds, readElfNeeds } from './shared-libraries.ts';
import { makeSizeTable, type SizedFile, type SizeTable } from './size-table.ts';
import { makeZip } from './zip.ts';

export type BuiltLayer = { readonly name: string; readonly sizes: SizeTable };

const buildCodeCaches = async (
  binary: NodeBinary,
  found: { readonly launcher: Launcher } | { readonly missing: string },
  bundles: readonly Bundle[],
): Promise<CodeCaches> => {
  const what = `code cache ${binary.architecture}`;
  if ('missing' in found) {
    sayStep(what, yellow(`none, the layer starts without it: ${found.missing}`));
    return new Map();
  }
  const startedAt = performance.now();
  const caches = await makeCodeCaches(bundles, binary, found.launcher);
  const cold = bundles.map(({ name }) => name).filter((name) => name !== 'start' && !caches.has(name));
  if (cold.length > 0) sayStep(what, yellow(`none for ${cold.join(', ')}: not loaded in the warm-up run`));
  sayStep(what, [...caches].map(([name, { length }]) => `${name} ${formatBytes(length)}`).join(', '), startedAt);
  return caches;
};

type Zipped = { readonly sha256: string; readonly sizes: SizeTable };

const writeZip = async (name: string, files: readonly LayerFile[]): Promise<Zipped> => {
  const startedAt = performance.now();
  const deflated = await deflateAll(files.map(({ contents }) => contents));
  const entries = files.map(({ path, mode, contents }, index) => ({
    name: path,
    mode,
    contents,
    deflated: deflated[index]!,
  }));
  const chunks = makeZip(entries);
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const sha256 = hash.digest('hex');
  const zipBytes = chunks.reduce((sum, { length }) => sum + length, 0);
  await writeDistFile(`${name}.zip`, chunks);
  await writeDistFile(`${name}.zip.sha256`, `${sha256}  ${name}.zip\n`);
  sayStep(name, `${formatBytes(zipBytes)} zipped  sha256 ${sha256.slice(0, 16)}`, startedAt);
  const sized = files.map((file, index): SizedFile => ({ ...file, zippedBytes: deflated[index]!.length }));
  return { sha256, sizes: makeSizeTable(sized, zipBytes) };
};

/** Builds, writes and prints progress. Throws a BuildError for anything but an exceeded budget, which is the caller's to judge. */
export const buildLayer = async (
  architecture: Architecture,
  options: BuildOptions,
  constants: BundleConstants,
  bundles: readonly Bundle[],
): Promise<BuiltLayer> => {
  const { nodeVersion, isUnlockedAllowed, isCodeCacheWanted } = options;
  const binary = await provideNodeBinary(nodeVersion, architecture, isUnlockedAllowed);
  const needs = await readElfNeeds(binary.path);
  if (needs !== undefined) checkElfNeeds(`node ${nodeVersion} ${architecture}`, needs);
  const found = await findLauncher(architecture, binary.path);
  const caches = await buildCodeCaches(binary, isCodeCacheWanted ? found : { missing: '--no-code-cache' }, bundles);
  const packages = await listBundledPackages(bundles);
  const carried = await provideLayerPackages();
  const inside = mergePackages([...packages, ...carried.packages]);
  const licences = formatLicences(inside, {
    version: nodeVersion,
    licence: await readFile(binary.licencePath, 'utf8'),
  });
  const files: LayerFile[] = [
    ...(await scriptFiles(nodeVersion, bundles)),
    ...codeCacheFiles(caches),
    await nodeFile(binary),
    ...carried.files,
    ...(await codeApiFiles(constants.version)),
    ...(await licenceFiles(licences)),
  ];
  await writeLayerTree(layerTreePath(architecture), files);
  const name = layerName(architecture, nodeVersion);
  const { sha256, sizes } = await writeZip(name, files);
  const components = await readNodeComponents(binary, 'launcher' in found ? found.launcher : undefined);
  const sbom = makeSbom({ name, version: constants.version, zipSha256: sha256 }, binary, components, inside);
  await writeDistFile(`${name}.sbom.json`, sbom);
  return { name, sizes };
};
