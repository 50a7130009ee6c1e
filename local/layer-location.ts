// Where the built layer lies: beside this program in `dist/`, or in the repository's `dist/` when it runs from source. The npm
// package has none.

import { existsSync } from 'node:fs';
import path from 'node:path';

/** Lambda's names of the architectures. */
export const lambdaArchitecture = (arch: string = process.arch): string => (arch === 'x64' ? 'x86_64' : arch);

/** The folder of the layer for this machine; it need not exist. */
export function defaultLayerRoot(from: string = import.meta.dirname): string {
  const name = `layer-${lambdaArchitecture()}`;
  const candidates = [path.join(from, name), path.join(from, '..', 'dist', name)];
  return candidates.find((candidate) => existsSync(candidate)) ?? candidates[1]!;
}

/** What to do where there is no layer. */
export function layerAdvice(from: string = import.meta.dirname): string {
  const isInstalled = from.split(path.sep).includes('node_modules');
  return isInstalled
    ? `unzip spanstrap-node24-${lambdaArchitecture()}.zip -d layer, and --layer layer; this package does not have it`
    : './build.sh, or --layer DIR';
}
