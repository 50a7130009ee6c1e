// Installs npm packages by a lockfile of their own into .cache, once for each state of that lockfile.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER, makeFolder } from './cache-folder.ts';
import { requireCommand } from './command.ts';

export type LockedInstall = {
  /** Has `node_modules` in it. */
  readonly folder: string;
  /** False: it was there already. */
  readonly isNew: boolean;
};

/** `manifestFolder` has package.json and package-lock.json. No install script runs. Throws a BuildError when npm fails. */
export const installLocked = async (name: string, manifestFolder: string): Promise<LockedInstall> => {
  const lock = await readFile(join(manifestFolder, 'package-lock.json'));
  const folder = join(CACHE_FOLDER, `${name}-${createHash('sha256').update(lock).digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return { folder, isNew: false };
  await makeFolder(folder, async (partial) => {
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(join(manifestFolder, file), join(partial, file));
    await requireCommand(
      ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      'check the network and the proxy settings of npm, then try again',
      { cwd: partial },
    );
  });
  return { folder, isNew: true };
};
