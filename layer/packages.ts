// npm packages that the layer carries for functions, below nodejs/node_modules where Lambda's NODE_PATH looks. The runtime itself
// never loads them, and a function's own copy wins.

import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { PROJECT_FOLDER } from './bundles.ts';
import type { LayerFile } from './layer-tree.ts';
import { BuildError } from './progress.ts';

/** Names of installed packages; their dependencies come along. */
export const layerPackages: readonly string[] = [];

/** Types, source maps and papers: half of the bytes, and nothing that runs. */
const isLeftOut = (path: string): boolean => /\.(?:d\.[cm]?ts|map|md|markdown|tsbuildinfo)$/.test(path);

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** As Node resolves it: the nearest node_modules upwards from `from`. */
const findPackage = async (name: string, from: string): Promise<string> => {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (await exists(join(candidate, 'package.json'))) return candidate;
    if (folder === PROJECT_FOLDER) throw new BuildError(`the package ${name} is not installed`, 'npm ci');
  }
};

const findWithDependencies = async (names: readonly string[], from: string, found: Set<string>): Promise<void> => {
  for (const name of names) {
    const folder = await findPackage(name, from);
    if (found.has(folder)) continue;
    found.add(folder);
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    await findWithDependencies(Object.keys(manifest.dependencies ?? {}), folder, found);
  }
};

/** The files of the packages and of everything that they depend on. Throws a BuildError when one is not installed. */
export const packageFiles = async (names: readonly string[]): Promise<LayerFile[]> => {
  const folders = new Set<string>();
  await findWithDependencies(names, PROJECT_FOLDER, folders);
  const files: LayerFile[] = [];
  for (const folder of [...folders].sort()) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const isNested = relative(folder, path).split('/').includes('node_modules');
      if (!entry.isFile() || isNested || isLeftOut(path)) continue;
      files.push({
        path: `nodejs/${relative(PROJECT_FOLDER, path)}`,
        part: 'packages',
        mode: 0o644,
        contents: await readFile(path),
      });
    }
  }
  return files;
};
