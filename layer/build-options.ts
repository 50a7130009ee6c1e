// The arguments of the build, as build.sh passes them on.

import { parseArgs } from 'node:util';
import { type Architecture, readNodeLock } from './node-lock.ts';
import { BuildError } from './progress.ts';

export type BuildOptions = {
  readonly architectures: readonly Architecture[];
  /** Without the `v`. */
  readonly nodeVersion: string;
  readonly isUnlockedAllowed: boolean;
  readonly isCodeCacheWanted: boolean;
  /** Nothing is built where dist/ is what the sources would give. */
  readonly isOnlyIfChanged: boolean;
};

const architectures: readonly Architecture[] = ['x86_64', 'arm64'];

export const hostArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        arch: { type: 'string' },
        node: { type: 'string' },
        'allow-unlocked': { type: 'boolean', default: false },
        'no-code-cache': { type: 'boolean', default: false },
        'if-changed': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new BuildError((error as Error).message, './build.sh help');
  }
};

/** Throws a BuildError for whatever is not in `./build.sh help`. */
export const parseBuildOptions = (args: readonly string[]): BuildOptions => {
  const values = parse(args);
  const name = values.arch === 'host' ? hostArchitecture : values.arch;
  const chosen = architectures.filter((architecture) => name === undefined || name === architecture);
  if (chosen.length === 0) {
    throw new BuildError(
      `--arch ${name} is none of ${architectures.join(', ')}`,
      `./build.sh --arch ${hostArchitecture}`,
    );
  }
  const nodeVersion = (values.node ?? readNodeLock().default).replace(/^v/, '');
  if (!/^\d+\.\d+\.\d+$/.test(nodeVersion)) {
    throw new BuildError(`--node ${nodeVersion} is no full version`, `./build.sh --node ${readNodeLock().default}`);
  }
  return {
    architectures: chosen,
    nodeVersion,
    isUnlockedAllowed: values['allow-unlocked'],
    isCodeCacheWanted: !values['no-code-cache'],
    isOnlyIfChanged: values['if-changed'],
  };
};
