// What goes into the layer beside the bundles: packages for functions, the SBOM, and the test whether anything has changed.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PROJECT_FOLDER } from '../../layer/bundles.ts';
import { runCommand } from '../../layer/command.ts';
import { collectPackages, provideLayerPackages } from '../../layer/packages.ts';
import { BuildError } from '../../layer/progress.ts';
import { makeSbom, readNodeComponents } from '../../layer/sbom.ts';
import { stampSources } from '../../layer/source-stamp.ts';

const scratch = mkdtempSync(join(tmpdir(), 'spanstrap-contents-'));
after(() => rmSync(scratch, { recursive: true }));

test('packages come with their dependencies and without types, maps and papers', async () => {
  const { files, packages } = await collectPackages(['@opentelemetry/core'], PROJECT_FOLDER);
  const paths = files.map(({ path }) => path);
  assert.ok(paths.includes('nodejs/node_modules/@opentelemetry/core/package.json'));
  assert.ok(paths.includes('nodejs/node_modules/@opentelemetry/core/dist/index.cjs'));
  assert.ok(paths.includes('nodejs/node_modules/@opentelemetry/core/LICENSE'));
  assert.ok(paths.includes('nodejs/node_modules/@opentelemetry/semantic-conventions/package.json'));
  assert.deepEqual(
    paths.filter((path) => /\.d\.[cm]?ts$|\.map$|\.md$/.test(path)),
    [],
  );
  assert.equal(new Set(paths).size, paths.length);
  assert.ok(packages.some(({ name, licence }) => name === '@opentelemetry/core' && licence === 'Apache-2.0'));
  assert.deepEqual(await collectPackages([], PROJECT_FOLDER), { files: [], packages: [] });
});

test('P110: the packages for functions: all that the manifest names, nothing that does not run, the same twice', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../../layer/packages/package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const { files, packages } = await provideLayerPackages();
  const paths = files.map(({ path }) => path);
  for (const [name, version] of Object.entries(manifest.dependencies)) {
    assert.ok(paths.includes(`nodejs/node_modules/${name}/package.json`), name);
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} has an exact version`);
  }
  assert.deepEqual(
    paths.filter((path) => /\.(?:d\.[cm]?ts|map|md)$|\/(?:dist-es|dist-types|@types)\//.test(path)),
    [],
  );
  assert.deepEqual([...paths].sort(), paths);
  for (const { name, licence } of packages) assert.ok(licence, name);
  const bytes = files.reduce((sum, { contents }) => sum + contents.length, 0);
  assert.ok(bytes < 12_000_000, `${bytes} bytes`);
  const lock = readFileSync(new URL('../../layer/packages/package-lock.json', import.meta.url), 'utf8');
  assert.doesNotMatch(lock, /"resolved"/);
});

test('a package that is not installed is named', async () => {
  await assert.rejects(
    collectPackages(['no-such-package'], PROJECT_FOLDER),
    (error) => error instanceof BuildError && error.message === 'the package no-such-package is not installed',
  );
});

test('the SBOM has Node, what is linked into it, and the packages of the bundles', async () => {
  const binary = {
    version: process.versions.node,
    architecture: 'x86_64',
    path: process.execPath,
    sha256: 'ab',
    licencePath: '',
    bytes: 1,
  } as const;
  const components = await readNodeComponents(binary, []);
  const packages = [{ name: '@a/b', version: '1.2.3', licence: 'Apache-2.0', licenceText: undefined }];
  const layer = { name: 'spanstrap-node24-x86_64', version: '0.1.0', zipSha256: 'cd' };
  const sbom = JSON.parse(makeSbom(layer, binary, components, packages));
  assert.equal(sbom.bomFormat, 'CycloneDX');
  const [node, npm] = sbom.components;
  assert.equal(node.version, process.versions.node);
  const linked = Object.fromEntries(
    node.components.map((component: { name: string; version: string }) => [component.name, component.version]),
  );
  assert.equal(linked.openssl, process.versions.openssl);
  assert.equal(linked.v8, process.versions.v8);
  assert.equal(linked.modules, undefined);
  assert.equal(npm.purl, 'pkg:npm/%40a/b@1.2.3');
  const refs = new Set([
    'layer',
    node['bom-ref'],
    npm['bom-ref'],
    ...node.components.map((part: { 'bom-ref': string }) => part['bom-ref']),
  ]);
  for (const { ref, dependsOn } of sbom.dependencies)
    for (const one of [ref, ...dependsOn]) assert.ok(refs.has(one), one);
});

test('components of a Node that cannot be asked are left out unless it is the version that runs here', async () => {
  const foreign = {
    version: '1.0.0',
    architecture: 'arm64',
    path: '/no/such',
    sha256: '',
    licencePath: '',
    bytes: 0,
  } as const;
  assert.deepEqual(await readNodeComponents(foreign, undefined), {});
  const twin = { ...foreign, version: process.versions.node };
  assert.equal((await readNodeComponents(twin, undefined)).v8, process.versions.v8);
});

test('the stamp follows contents, names and options of the sources, not where they are', async () => {
  const [one, other] = [join(scratch, 'one'), join(scratch, 'other')];
  for (const root of [one, other]) {
    mkdirSync(join(root, 'runtime'), { recursive: true });
    writeFileSync(join(root, 'runtime/a.ts'), 'a');
    writeFileSync(join(root, 'package.json'), '{}');
  }
  const stamp = await stampSources('x', one);
  assert.equal(await stampSources('x', other), stamp);
  assert.notEqual(await stampSources('y', one), stamp);
  writeFileSync(join(other, 'runtime/a.ts'), 'b');
  assert.notEqual(await stampSources('x', other), stamp);
  writeFileSync(join(other, 'runtime/a.ts'), 'a');
  writeFileSync(join(other, 'README.md'), 'not a source');
  assert.equal(await stampSources('x', other), stamp);
  writeFileSync(join(other, 'runtime/b.ts'), '');
  assert.notEqual(await stampSources('x', other), stamp);
});

test('node_modules that does not hold what the lockfile says is found out', async () => {
  const root = join(scratch, 'installed');
  mkdirSync(join(root, 'layer'), { recursive: true });
  mkdirSync(join(root, 'node_modules/a'), { recursive: true });
  cpSync(new URL('../../layer/is-installed.mjs', import.meta.url), join(root, 'layer/is-installed.mjs'));
  const lock = (version: string) => ({
    packages: {
      '': { name: 'project' },
      'node_modules/a': { version, integrity: `sha512-${version}` },
      'node_modules/b': { version: '1.0.0', optional: true, os: ['plan9'] },
    },
  });
  const isInstalled = async () =>
    (await runCommand([process.execPath, join(root, 'layer/is-installed.mjs')])).exitCode === 0;
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock('1.0.0')));
  assert.equal(await isInstalled(), false, 'nothing is installed');
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify(lock('1.0.0')));
  assert.equal(await isInstalled(), false, 'the package was deleted');
  writeFileSync(join(root, 'node_modules/a/package.json'), '{}');
  assert.equal(await isInstalled(), true);
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock('1.0.1')));
  assert.equal(await isInstalled(), false, 'the lockfile moved on');
});
