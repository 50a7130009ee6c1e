// npm packages that the layer carries for functions, below nodejs/node_modules where Lambda's NODE_PATH looks. The runtime itself
// never loads them, and a function's own copy wins. Which ones: layer/packages/package.json, with a lockfile of its own.

import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type BundledPackage, readPackage } from './bundled-packages.ts';
import { PROJECT_FOLDER } from './bundles.ts';
import type { LayerFile } from './layer-tree.ts';
import { installLocked } from './locked-install.ts';
import { BuildError, sayStep } from './progress.ts';

const MANIFEST_FOLDER = join(PROJECT_FOLDER, 'layer/packages');

/** Types, source maps, papers, tests, builds for bundlers: most of the bytes, and nothing that runs. `/` is the package's folder. */
const isLeftOut = (path: string): boolean =>
  /^\/(?:tests?|__tests__|examples?|benchmarks?|docs)\//.test(path) ||
  /\.(?:d\.[cm]?ts|map|md|markdown|tsbuildinfo|flow)$|\/(?:dist-es|dist-types|\.[^/]+)(?:\/|$)/.test(path);

/** Packages with nothing in them but types. */
const isTypes = (name: string): boolean => name.startsWith('@types/');

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** As Node resolves it: the nearest node_modules upwards from `from`. */
const findPackage = async (name: string, from: string, root: string): Promise<string> => {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (await exists(join(candidate, 'package.json'))) return candidate;
    if (folder === root) throw new BuildError(`the package ${name} is not installed`, 'npm ci');
  }
};

const findWithDependencies = async (
  names: readonly string[],
  from: string,
  root: string,
  found: Set<string>,
): Promise<void> => {
  for (const name of names.filter((one) => !isTypes(one))) {
    const folder = await findPackage(name, from, root);
    if (found.has(folder)) continue;
    found.add(folder);
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    await findWithDependencies(Object.keys(manifest.dependencies ?? {}), folder, root, found);
  }
};

export type LayerPackages = { readonly files: readonly LayerFile[]; readonly packages: readonly BundledPackage[] };

/**
 * The packages installed below `root` and everything that they depend on, sorted. Throws a BuildError when one is not
 * installed.
 */
export const collectPackages = async (names: readonly string[], root: string): Promise<LayerPackages> => {
  const folders = new Set<string>();
  await findWithDependencies(names, root, root, folders);
  const files: LayerFile[] = [];
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const inside = relative(folder, path);
      if (!entry.isFile() || inside.split('/').includes('node_modules') || isLeftOut(`/${inside}`)) continue;
      files.push({
        path: `nodejs/${relative(root, path)}`,
        part: 'packages',
        mode: 0o644,
        contents: await readFile(path),
      });
    }
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, packages: await Promise.all([...folders].sort().map(readPackage)) };
};

const install = async (): Promise<string> => {
  const startedAt = performance.now();
  const { folder, isNew } = await installLocked('layer-packages', MANIFEST_FOLDER);
  if (isNew) sayStep('packages for functions', 'installed by layer/packages/package-lock.json', startedAt);
  return folder;
};

let provided: Promise<LayerPackages> | undefined;

/** What goes into nodejs/node_modules: the same for every architecture, so it is collected once. Throws a BuildError. */
export const provideLayerPackages = (): Promise<LayerPackages> => {
  provided ??= (async () => {
    const manifest = JSON.parse(await readFile(join(MANIFEST_FOLDER, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    return collectPackages(Object.keys(manifest.dependencies), await install());
  })();
  return provided;
};
