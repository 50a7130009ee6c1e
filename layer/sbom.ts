// The software bill of materials beside each zip, CycloneDX 1.6 JSON. No time and no serial number: the same layer has the same one.

import type { BundledPackage } from './bundled-packages.ts';
import { runCommand } from './command.ts';
import type { NodeBinary } from './node-binary.ts';

/** Parts of `process.versions` that are numbers of an interface, not of a component. */
const interfaceNumbers: ReadonlySet<string> = new Set(['node', 'modules', 'napi', 'cldr', 'unicode', 'tz']);

/**
 * Name -> version of what is linked into the Node binary, from the binary itself when it can be started here, from the running
 * Node when that is the same version; otherwise empty.
 */
export const readNodeComponents = async (
  binary: NodeBinary,
  launcher: readonly string[] | undefined,
): Promise<Readonly<Record<string, string>>> => {
  if (launcher !== undefined) {
    const { exitCode, stdout } = await runCommand([...launcher, binary.path, '-p', 'JSON.stringify(process.versions)']);
    if (exitCode === 0) return JSON.parse(stdout) as Record<string, string>;
  }
  return process.versions.node === binary.version ? (process.versions as Record<string, string>) : {};
};

const npmPurl = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** SPDX expressions and single ids both are legal as `expression`. */
const licencesOf = (expression: string): object => ({ licenses: [{ expression }] });

export const makeSbom = (
  layer: { readonly name: string; readonly version: string; readonly zipSha256: string },
  binary: NodeBinary,
  nodeComponents: Readonly<Record<string, string>>,
  packages: readonly BundledPackage[],
): string => {
  const components = Object.entries(nodeComponents).filter(([name]) => !interfaceNumbers.has(name));
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': 'layer',
        name: layer.name,
        version: layer.version,
        hashes: [{ alg: 'SHA-256', content: layer.zipSha256 }],
        ...licencesOf('Apache-2.0'),
      },
    },
    components: [
      {
        type: 'application',
        'bom-ref': 'node',
        name: 'node',
        version: binary.version,
        description: `Node.js for Linux ${binary.architecture}; the hash is of the binary before stripping`,
        hashes: [{ alg: 'SHA-256', content: binary.sha256 }],
        ...licencesOf('MIT'),
        purl: `pkg:generic/node@${binary.version}?arch=${binary.architecture}&os=linux`,
        cpe: `cpe:2.3:a:nodejs:node.js:${binary.version}:*:*:*:*:*:*:*`,
        components: components.map(([name, version]) => ({
          type: 'library',
          'bom-ref': `node/${name}`,
          name,
          version,
        })),
      },
      ...packages.map(({ name, version, licence }) => ({
        type: 'library',
        'bom-ref': npmPurl(name, version),
        name,
        version,
        ...licencesOf(licence),
        purl: npmPurl(name, version),
      })),
    ],
    dependencies: [
      { ref: 'layer', dependsOn: ['node', ...packages.map(({ name, version }) => npmPurl(name, version))] },
      { ref: 'node', dependsOn: components.map(([name]) => `node/${name}`) },
    ],
  };
  return `${JSON.stringify(sbom, null, 2)}\n`;
};
