// Which npm packages are inside the bundles, read from esbuild's metafiles: the source of the SBOM and of the LICENSES file.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, PROJECT_FOLDER } from './bundles.ts';

export type BundledPackage = {
  readonly name: string;
  readonly version: string;
  /** SPDX expression from its package.json. */
  readonly licence: string;
  /** Text of its licence file, undefined when it has none. */
  readonly licenceText: string | undefined;
};

/** `node_modules/@a/b/dist/c.js` -> `node_modules/@a/b`; undefined for the project's own files. */
const packageFolder = (input: string): string | undefined =>
  /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];

/** An installed package, by its folder. */
export const readPackage = async (folder: string): Promise<BundledPackage> => {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license: string;
  };
  const licenceFile = (await readdir(folder)).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return {
    name: manifest.name,
    version: manifest.version,
    licence: manifest.license,
    licenceText: licenceFile && (await readFile(join(folder, licenceFile), 'utf8')).trim(),
  };
};

/** Packages of which at least one byte is in a bundle, sorted by name and version. */
export const listBundledPackages = async (bundles: readonly Pick<Bundle, 'metafile'>[]): Promise<BundledPackage[]> => {
  const folders = new Set<string>();
  for (const { metafile } of bundles) {
    for (const { inputs } of Object.values(metafile.outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = packageFolder(input);
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
      }
    }
  }
  return mergePackages(await Promise.all([...folders].map((folder) => readPackage(join(PROJECT_FOLDER, folder)))));
};

/** Each version of each package once, sorted by name and version. */
export const mergePackages = (packages: readonly BundledPackage[]): BundledPackage[] =>
  [...new Map(packages.map((one) => [`${one.name} ${one.version}`, one])).values()].sort((a, b) =>
    a.name === b.name ? compare(a.version, b.version) : compare(a.name, b.name),
  );

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The LICENSES file: each licence text once, under the packages it belongs to, then Node's own where Node is inside. */
export const formatLicences = (
  packages: readonly BundledPackage[],
  node?: { readonly version: string; readonly licence: string },
): string => {
  const byText = Map.groupBy(packages, ({ licence, licenceText }) => licenceText ?? `Licence: ${licence}`);
  const rule = '='.repeat(80);
  const sections = [...byText].map(
    ([text, users]) => `${users.map(({ name, version }) => `${name} ${version}`).join('\n')}\n\n${text}\n`,
  );
  if (node !== undefined) sections.push(`Node.js ${node.version}\n\n${node.licence.trim()}\n`);
  return sections.join(`\n${rule}\n\n`);
};
