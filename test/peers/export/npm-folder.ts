// Packages that only a peer test needs, installed into .cache once: their peer dependencies exclude ours.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER, makeFolder } from '../../../layer/cache-folder.ts';
import { runCommand } from '../../../layer/command.ts';

const FILES = ['package.json', 'package-lock.json'];

class Unreachable extends Error {}

/** The folder with `node_modules` of the packages that the folder `name` beside this file locks, or why there is none. */
export async function provideNpmFolder(
  name: string,
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const sources = join(import.meta.dirname, name);
  const hash = createHash('sha256');
  for (const file of FILES) hash.update(await readFile(join(sources, file)));
  const path = join(CACHE_FOLDER, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return { path };
  try {
    await makeFolder(path, async (folder) => {
      for (const file of FILES) await copyFile(join(sources, file), join(folder, file));
      const command = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      const { exitCode, stderr } = await runCommand(command, { cwd: folder });
      if (exitCode !== 0) throw new Unreachable(`npm ci failed: ${stderr.trim().split('\n')[0]}`);
    });
  } catch (error) {
    if (error instanceof Unreachable) return { missing: error.message };
    throw error;
  }
  return { path };
}
