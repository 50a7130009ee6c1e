// The npm packages whose calls are traced here, installed into .cache once, by a lockfile of their own.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_FOLDER, makeFolder } from '../../layer/cache-folder.ts';
import { runCommand } from '../../layer/command.ts';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'clients');
const SOURCES = ['package.json', 'package-lock.json'];

/** The folder with the packages in its node_modules; a machine that cannot install them says why. */
export async function provideClientPackages(): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(await readFile(join(FOLDER, file)));
  const target = join(CACHE_FOLDER, `outgoing-clients-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return { folder: target };
  let failure: string | undefined;
  await makeFolder(target, async (folder) => {
    for (const file of SOURCES) await copyFile(join(FOLDER, file), join(folder, file));
    const command = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { exitCode, stderr } = await runCommand(command, { cwd: folder });
    if (exitCode !== 0) failure = `npm ci of test/outgoing/clients failed: ${stderr.trim().split('\n')[0]}`;
  });
  if (failure === undefined) return { folder: target };
  await rm(target, { recursive: true });
  return { missing: failure };
}
