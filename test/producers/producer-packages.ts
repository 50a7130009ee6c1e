// The npm packages of the producers, installed into .cache once, by a lockfile of their own.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_FOLDER, makeFolder } from '../../layer/cache-folder.ts';
import { runCommand } from '../../layer/command.ts';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'packages');
const SOURCES = ['package.json', 'package-lock.json'];
/** Neither tracer needs what is optional; it is 100 MB. */
const INSTALL = ['npm', 'ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error'];

/** The folder with the packages in its node_modules; a machine that cannot install them says why. */
export async function provideProducerPackages(): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const hash = createHash('sha256').update(INSTALL.join());
  for (const file of SOURCES) hash.update(await readFile(join(FOLDER, file)));
  const target = join(CACHE_FOLDER, `producers-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return { folder: target };
  let failure: string | undefined;
  await makeFolder(target, async (folder) => {
    for (const file of SOURCES) await copyFile(join(FOLDER, file), join(folder, file));
    const { exitCode, stderr } = await runCommand(INSTALL, { cwd: folder });
    if (exitCode !== 0) failure = `npm ci of test/producers/packages failed: ${stderr.trim().split('\n')[0]}`;
  });
  if (failure === undefined) return { folder: target };
  await rm(target, { recursive: true });
  return { missing: failure };
}
