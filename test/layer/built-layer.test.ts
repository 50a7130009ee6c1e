// The layer as it lies in dist/, of each architecture that is built.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { bundleEntries } from '../../layer/bundles.ts';
import { distPath, layerName, layerTreePath } from '../../layer/dist-folder.ts';
import { type Architecture, readNodeLock } from '../../layer/node-lock.ts';
import { checkElfNeeds, readElfNeeds } from '../../layer/shared-libraries.ts';

const projectFolder = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
const nodeVersion = readNodeLock().default;

/** `e_machine` of the ELF header. */
const machines: Readonly<Record<Architecture, number>> = { x86_64: 0x3e, arm64: 0xb7 };

const listFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

const sha256 = (contents: Uint8Array): string => createHash('sha256').update(contents).digest('hex');

for (const architecture of ['x86_64', 'arm64'] as const) {
  const tree = layerTreePath(architecture);
  const name = layerName(architecture, nodeVersion);
  const isBuilt = existsSync(distPath(`${name}.zip`));
  suite(`dist/${name}`, { skip: isBuilt ? false : `dist/ has no ${architecture} layer: ./build.sh makes it` }, () => {
    const files = isBuilt ? listFiles(tree) : [];
    const zip = isBuilt ? readFileSync(distPath(`${name}.zip`)) : new Uint8Array();

    test('has the files that it should have, and no others', () => {
      const bundles = Object.keys(bundleEntries);
      const cached = files.filter((path) => /^spanstrap\/.+\.cache$/.test(path));
      const expected = [
        'LICENSE',
        'LICENSES',
        'bin/node',
        'bootstrap',
        ...bundles.map((bundle) => `spanstrap/${bundle}.cjs`),
        ...cached,
      ];
      // Packages for functions have a list and tests of their own.
      const own = files.filter((path) => !path.startsWith('nodejs/node_modules/'));
      assert.deepEqual(own, expected.sort());
      // start.cjs has no cache: Node itself loads it. Without an emulator the other architecture has none at all.
      // The others are loaded by few functions, or after an error: the warm-up run does not come by them.
      const warmed = [
        ...['runtime', 'recording', 'outlet', 'xray', 'otlp', 'opentelemetry', 'outgoing', 'triggers'],
        ...['databases', 'client-modules'],
      ];
      const all = warmed.map((bundle) => `spanstrap/${bundle}.cache`);
      if (cached.length > 0) assert.deepEqual(cached, all.sort());
      else assert.notEqual(architecture, process.arch === 'arm64' ? 'arm64' : 'x86_64');
    });

    test('has modes that Lambda can work with', () => {
      for (const path of files) {
        const isProgram = path === 'bootstrap' || path === 'bin/node';
        assert.equal(statSync(join(tree, path)).mode & 0o777, isProgram ? 0o755 : 0o644, path);
      }
    });

    test('is in the zip as it is in the tree', () => {
      const zipped = unzipSync(zip);
      assert.deepEqual(Object.keys(zipped).sort(), files);
      for (const path of files) assert.equal(sha256(zipped[path]!), sha256(readFileSync(join(tree, path))), path);
    });

    test('has the checksum that stands beside the zip', () => {
      assert.equal(readFileSync(distPath(`${name}.zip.sha256`), 'utf8'), `${sha256(zip)}  ${name}.zip\n`);
      const sbom = JSON.parse(readFileSync(distPath(`${name}.sbom.json`), 'utf8'));
      assert.equal(sbom.metadata.component.hashes[0].content, sha256(zip));
    });

    test('names no path of the machine that built it', () => {
      const beside = [
        `${name}.sbom.json`,
        'cli.mjs',
        ...Object.keys(bundleEntries).map((bundle) => `metafile-${bundle}.json`),
      ];
      for (const path of [...files.map((file) => join(tree, file)), ...beside.map(distPath)]) {
        assert.ok(!readFileSync(path).includes(projectFolder), path);
      }
    });

    test('has a Node of its architecture that needs nothing provided.al2023 lacks', async (t) => {
      const header = Buffer.alloc(20);
      const file = openSync(join(tree, 'bin/node'), 'r');
      readSync(file, header);
      closeSync(file);
      assert.equal(header.readUInt16LE(18), machines[architecture]);
      const needs = await readElfNeeds(join(tree, 'bin/node'));
      if (needs === undefined) return t.skip('readelf is not installed');
      checkElfNeeds('bin/node', needs);
    });
  });
}
