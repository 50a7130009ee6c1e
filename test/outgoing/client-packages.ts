// The npm packages whose calls are traced here, installed into .cache once, by a lockfile of their own.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_FOLDER, makeFolder } from '../../layer/cache-folder.ts';
import { runCommand } from '../../layer/command.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = ['package.json', 'package-lock.json'];

/** Which packages: the folder that names them. */
export type ClientPackages = 'clients' | 'older-clients' | 'other-tracers';

/** The folder with the packages in its node_modules; a machine that cannot install them says why. */
export async function provideClientPackages(
  name: ClientPackages = 'clients',
): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const manifests = join(HERE, name);
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(await readFile(join(manifests, file)));
  const target = join(CACHE_FOLDER, `outgoing-${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return { folder: target };
  let failure: string | undefined;
  await makeFolder(target, async (folder) => {
    for (const file of SOURCES) await copyFile(join(manifests, file), join(folder, file));
    const command = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { exitCode, stderr } = await runCommand(command, { cwd: folder });
    if (exitCode !== 0) failure = `npm ci of test/outgoing/${name} failed: ${stderr.trim().split('\n')[0]}`;
  });
  if (failure === undefined) return { folder: target };
  await rm(target, { recursive: true });
  return { missing: failure };
}
