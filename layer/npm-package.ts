// The npm package: the code API with its types, and the command line as one file. It is made in a folder of its own, because what
// package.json names serves the build; a project that installs the package gets nothing else with it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLicences, listBundledPackages } from './bundled-packages.ts';
import { type Bundle, PROJECT_FOLDER } from './bundles.ts';
import { distPath, writeLayerTree } from './dist-folder.ts';
import type { LayerFile } from './layer-tree.ts';

/** `npm pack ./dist/npm` makes the tarball. */
export const NPM_PACKAGE_FOLDER = distPath('npm');

const API_FILES = ['spanstrap.cjs', 'spanstrap.mjs', 'spanstrap.d.cts', 'spanstrap.d.mts'];
const KEPT_FIELDS = ['name', 'version', 'description', 'license', 'type', 'engines', 'main', 'types', 'exports'];

type Manifest = Readonly<Record<string, unknown>>;

/** The package's own package.json, from the project's. */
export const makeManifest = (project: Manifest): Manifest => ({
  ...Object.fromEntries(KEPT_FIELDS.map((field) => [field, project[field]])),
  bin: { spanstrap: 'cli.mjs' },
});

export const writeNpmPackage = async (commandLine: Pick<Bundle, 'code' | 'metafile'>): Promise<void> => {
  const read = (path: string): Promise<Buffer> => readFile(join(PROJECT_FOLDER, path));
  const manifest = makeManifest(JSON.parse(String(await read('package.json'))) as Manifest);
  const licences = formatLicences(await listBundledPackages([commandLine]));
  const file = (path: string, contents: Uint8Array | string, mode = 0o644): LayerFile => ({
    path,
    part: 'packages',
    mode,
    contents: Buffer.from(contents),
  });
  await writeLayerTree(NPM_PACKAGE_FOLDER, [
    file('package.json', `${JSON.stringify(manifest, undefined, 2)}\n`),
    file('README.md', await read('api/README.md')),
    file('LICENSE', await read('LICENSE')),
    file('LICENSES', licences),
    file('cli.mjs', commandLine.code, 0o755),
    ...(await Promise.all(API_FILES.map(async (name) => file(`api/${name}`, await read(`api/${name}`))))),
  ]);
};
