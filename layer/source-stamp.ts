// Tells whether dist/ was built from the sources as they are: a hash over everything that can change what is built.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_FOLDER } from './bundles.ts';

const sources = [
  'bootstrap',
  'runtime',
  'instrumentation',
  'layer',
  'local',
  'build.sh',
  'package.json',
  'package-lock.json',
  'LICENSE',
];

const listFiles = async (path: string): Promise<string[]> => {
  try {
    const entries = await readdir(join(PROJECT_FOLDER, path), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return [join(PROJECT_FOLDER, path)];
    if (code === 'ENOENT') return [];
    throw error;
  }
};

/** Hex sha256 over names and contents of the sources, and `options`, any text that changes the outcome as well. */
export const stampSources = async (options: string): Promise<string> => {
  const hash = createHash('sha256').update(options);
  const files = (await Promise.all(sources.map(listFiles))).flat().sort();
  for (const file of files) hash.update(`\0${file}\0`).update(await readFile(file));
  return hash.digest('hex');
};
