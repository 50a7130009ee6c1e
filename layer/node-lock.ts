// Which Node the layer carries, and what its binary's bytes must be: node.lock.json and the reading of it.

import { readFileSync } from 'node:fs';
import { BuildError } from './progress.ts';

/** As in the names of the zips and in Lambda's own setting. */
export type Architecture = 'x86_64' | 'arm64';

export type NodeLock = {
  readonly default: string;
  readonly [version: string]: string | { readonly [A in Architecture]?: { readonly sha256: string } };
};

export const NODE_LOCK_FILE = 'layer/node.lock.json';

export const readNodeLock = (): NodeLock =>
  JSON.parse(readFileSync(new URL('node.lock.json', import.meta.url), 'utf8')) as NodeLock;

/** sha256 of the binary in hex, undefined when the lock does not have this version and architecture. */
export const lockedSha256 = (lock: NodeLock, version: string, architecture: Architecture): string | undefined => {
  const entry = lock[version];
  return typeof entry === 'object' ? entry[architecture]?.sha256 : undefined;
};

/** Throws a BuildError unless the binary is the locked one, or is not locked and that is allowed. */
export const checkNodeLock = (
  lock: NodeLock,
  binary: { readonly version: string; readonly architecture: Architecture; readonly sha256: string },
  isUnlockedAllowed: boolean,
): 'ok' | 'unlocked' => {
  const { version, architecture, sha256 } = binary;
  const expected = lockedSha256(lock, version, architecture);
  if (expected === sha256) return 'ok';
  if (expected !== undefined) {
    throw new BuildError(
      `node ${version} ${architecture} has sha256 ${sha256}, but ${NODE_LOCK_FILE} says ${expected}`,
      `rm -rf .cache node_modules and build again; if the binary stays different, do not use it`,
    );
  }
  if (isUnlockedAllowed) return 'unlocked';
  throw new BuildError(
    `node ${version} ${architecture} is not in ${NODE_LOCK_FILE}; its binary has sha256 ${sha256}`,
    `compare it with a source you trust, then add "${version}": { "${architecture}": { "sha256": "${sha256}" } } to ${NODE_LOCK_FILE}, or use --allow-unlocked`,
  );
};
