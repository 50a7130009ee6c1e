// dist/: where the build puts things, and how it puts them there: beside their place first, so that nobody reads half a file.

import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT_FOLDER } from './bundles.ts';
import type { LayerFile } from './layer-tree.ts';
import type { Architecture } from './node-lock.ts';

const DIST_FOLDER = join(PROJECT_FOLDER, 'dist');

export const distPath = (name: string): string => join(DIST_FOLDER, name);

/** Name of the layer's zip without its ending. */
export const layerName = (architecture: Architecture, nodeVersion: string): string =>
  `spanstrap-node${nodeVersion.split('.')[0]}-${architecture}`;

export const layerTreePath = (architecture: Architecture): string => distPath(`layer-${architecture}`);

export const writeDistFile = async (
  name: string,
  contents: string | Uint8Array | readonly Uint8Array[],
  mode = 0o644,
): Promise<void> => {
  const partial = distPath(`.${randomUUID()}.partial`);
  await mkdir(DIST_FOLDER, { recursive: true });
  await writeFile(partial, contents as string | Uint8Array | Uint8Array[], { mode });
  await rename(partial, distPath(name));
};

/** Writes the files below `folder`, in the place of what was there. */
export const writeLayerTree = async (folder: string, files: readonly LayerFile[]): Promise<void> => {
  const partial = join(dirname(folder), `.${randomUUID()}.partial`);
  const former = join(dirname(folder), `.${randomUUID()}.former`);
  for (const { path, mode, contents } of files) {
    const target = join(partial, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, contents, { mode });
  }
  await rename(folder, former).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(partial, folder);
  await rm(former, { recursive: true, force: true });
};
