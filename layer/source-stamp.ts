// Tells whether dist/ was built from the sources as they are: a hash over everything that can change what is built.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PROJECT_FOLDER } from './bundles.ts';

const sources = [
  'api',
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

/** Paths relative to `root`; a source that does not exist has none. */
const listFiles = async (root: string, source: string): Promise<string[]> => {
  try {
    const entries = await readdir(join(root, source), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return [source];
    if (code === 'ENOENT') return [];
    throw error;
  }
};

/** Hex sha256 over names and contents of the sources, and `options`, any text that changes the outcome as well. */
export const stampSources = async (options: string, root = PROJECT_FOLDER): Promise<string> => {
  const hash = createHash('sha256').update(options);
  const files = (await Promise.all(sources.map((source) => listFiles(root, source)))).flat().sort();
  for (const file of files) hash.update(`\0${file}\0`).update(await readFile(join(root, file)));
  return hash.digest('hex');
};
