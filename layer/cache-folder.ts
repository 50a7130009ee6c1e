// .cache: what takes long to fetch or to make, kept between builds. A folder in it is there completely or not at all.

import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT_FOLDER } from './bundles.ts';

export const CACHE_FOLDER = join(PROJECT_FOLDER, '.cache');

/** Runs `make` on a folder beside `target`, which takes that folder's place only when `make` has succeeded. */
export const makeFolder = async (target: string, make: (folder: string) => Promise<void>): Promise<void> => {
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), 'partial-'));
  try {
    await make(folder);
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
