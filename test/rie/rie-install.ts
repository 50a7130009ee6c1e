// AWS's own runtime interface emulator, built once from its Go module into .cache.

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER, makeFolder } from '../../layer/cache-folder.ts';
import { lastWords, runCommand } from '../../layer/command.ts';

const MODULE = 'github.com/aws/aws-lambda-runtime-interface-emulator';
/** A commit of its main branch: Go checks that everybody gets the same sources for it. */
const REVISION = '0f5fce3275ada05b2e0cc2c097c6240b0442a3d6';
const COMMAND = 'aws-lambda-rie';

/** The path of the program, or why there is none on this machine. */
export async function provideRie(
  say: (text: string) => void,
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const folder = join(CACHE_FOLDER, `rie-${REVISION.slice(0, 12)}-${process.arch}`);
  const path = join(folder, COMMAND);
  if (existsSync(path)) return { path };
  if ((await runCommand(['go', 'version'])).exitCode !== 0)
    return { missing: 'there is no go, which it is built with' };
  let missing: string | undefined;
  say(`building ${COMMAND} ${REVISION.slice(0, 12)} (go install)`);
  await makeFolder(folder, async (partial) => {
    const { exitCode, stderr } = await runCommand(['go', 'install', `${MODULE}/cmd/${COMMAND}@${REVISION}`], {
      cwd: partial,
      env: { ...process.env, GOBIN: partial, CGO_ENABLED: '0' },
    });
    if (exitCode !== 0) missing = `go install failed: ${lastWords(stderr).split('\n').at(-1)!.trim()}`;
  });
  if (missing === undefined) return { path };
  await rm(folder, { recursive: true });
  return { missing };
}
