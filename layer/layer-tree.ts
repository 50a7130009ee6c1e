// The layer as a list of files: what is in the zip is decided here and nowhere else.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, PROJECT_FOLDER } from './bundles.ts';
import type { NodeBinary } from './node-binary.ts';

/** The parts of the size table. */
export type LayerPart = 'node' | 'runtime' | 'code cache' | 'packages' | 'licences';

export type LayerFile = {
  /** Relative to the layer, with slashes. */
  readonly path: string;
  readonly part: LayerPart;
  /** Unix permission bits. */
  readonly mode: number;
  readonly contents: Uint8Array;
};

const READABLE = 0o644;
const EXECUTABLE = 0o755;

/** The bootstrap script with the major version of the layer's Node put in. */
export const makeBootstrapScript = async (nodeVersion: string): Promise<Uint8Array> => {
  const template = await readFile(join(PROJECT_FOLDER, 'bootstrap/bootstrap'), 'utf8');
  const major = nodeVersion.split('.')[0]!;
  return Buffer.from(template.replaceAll('__NODE_MAJOR__', major));
};

export const scriptFiles = async (nodeVersion: string, bundles: readonly Bundle[]): Promise<LayerFile[]> => [
  { path: 'bootstrap', part: 'runtime', mode: EXECUTABLE, contents: await makeBootstrapScript(nodeVersion) },
  ...bundles.map(
    ({ name, code }): LayerFile => ({ path: `spanstrap/${name}.cjs`, part: 'runtime', mode: READABLE, contents: code }),
  ),
];

/** The package `spanstrap`, through which functions talk to the layer; without its types. */
export const codeApiFiles = async (version: string): Promise<LayerFile[]> => {
  const manifest = {
    name: 'spanstrap',
    version,
    license: 'Apache-2.0',
    main: './spanstrap.cjs',
    exports: { import: './spanstrap.mjs', require: './spanstrap.cjs' },
  };
  const file = (name: string, contents: Uint8Array): LayerFile => ({
    path: `nodejs/node_modules/spanstrap/${name}`,
    part: 'packages',
    mode: READABLE,
    contents,
  });
  return [
    file('package.json', Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)),
    file('spanstrap.cjs', await readFile(join(PROJECT_FOLDER, 'api/spanstrap.cjs'))),
    file('spanstrap.mjs', await readFile(join(PROJECT_FOLDER, 'api/spanstrap.mjs'))),
  ];
};

export const codeCacheFiles = (caches: ReadonlyMap<string, Uint8Array>): LayerFile[] =>
  [...caches].map(([name, contents]) => ({
    path: `spanstrap/${name}.cache`,
    part: 'code cache',
    mode: READABLE,
    contents,
  }));

export const nodeFile = async (binary: NodeBinary): Promise<LayerFile> => ({
  path: 'bin/node',
  part: 'node',
  mode: EXECUTABLE,
  contents: await readFile(binary.path),
});

export const licenceFiles = async (licences: string): Promise<LayerFile[]> => [
  { path: 'LICENSE', part: 'licences', mode: READABLE, contents: await readFile(join(PROJECT_FOLDER, 'LICENSE')) },
  { path: 'LICENSES', part: 'licences', mode: READABLE, contents: Buffer.from(licences) },
];
