// The warm-up that makes the code caches, with a small runtime in the place of the real one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type Bundle, buildBundle } from '../../layer/bundles.ts';
import { CACHE_FOLDER } from '../../layer/cache-folder.ts';
import { findLauncher, makeCodeCaches } from '../../layer/code-cache.ts';
import type { NodeBinary } from '../../layer/node-binary.ts';
import { BuildError } from '../../layer/progress.ts';

const constants = { version: '1.2.3', nodeVersion: process.versions.node };
const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const binary: NodeBinary = {
  version: process.versions.node,
  architecture,
  path: process.execPath,
  sha256: '',
  licencePath: '',
  bytes: 0,
};

const standIn = (name: string, file: string): Promise<Bundle> =>
  buildBundle(name, `test/layer/stand-ins/${file}.ts`, constants);
const [start, runtime, openTelemetry, unused, failing] = await Promise.all([
  buildBundle('start', 'bootstrap/start.ts', constants),
  standIn('runtime', 'polling-runtime'),
  standIn('opentelemetry', 'open-telemetry-names'),
  standIn('otlp', 'answer'),
  standIn('runtime', 'failing-runtime'),
]);

const summarise = (caches: ReadonlyMap<string, Uint8Array>): string[] =>
  [...caches].map(([name, contents]) => `${name} ${createHash('sha256').update(contents).digest('hex')}`);

const warmUpFolders = (): string[] =>
  existsSync(CACHE_FOLDER) ? readdirSync(CACHE_FOLDER).filter((name) => name.startsWith('warm-up-')) : [];

test('makes a cache for each bundle that the warm-up loads, and the same one again', async () => {
  const bundles = [start, runtime, openTelemetry, unused];
  const before = warmUpFolders();
  const [first, second] = await Promise.all([makeCodeCaches(bundles, binary, []), makeCodeCaches(bundles, binary, [])]);
  assert.deepEqual([...first.keys()], ['runtime', 'opentelemetry']);
  assert.deepEqual(summarise(first), summarise(second));
  assert.deepEqual(warmUpFolders(), before);
});

test('names no folder of this machine', async () => {
  const caches = await makeCodeCaches([start, runtime, openTelemetry], binary, []);
  for (const contents of caches.values()) {
    const text = Buffer.from(contents).toString('latin1');
    assert.ok(!text.includes(process.cwd()));
    assert.ok(text.includes('/opt/spanstrap/'));
  }
});

test('a runtime that does not start fails the build with its own words and nothing left behind', async () => {
  const before = warmUpFolders();
  await assert.rejects(makeCodeCaches([start, failing], binary, []), (error) => {
    assert.ok(error instanceof BuildError);
    assert.match(error.message, /the warm-up run of the bundles ended with 1:/);
    assert.match(error.message, /the stand-in fails on purpose: é/);
    assert.match(error.advice, /--no-code-cache/);
    return true;
  });
  assert.deepEqual(warmUpFolders(), before);
});

test('this machine starts its own binaries directly', async () => {
  assert.deepEqual(await findLauncher(architecture, process.execPath), { launcher: [] });
});

test('a binary of the other architecture has an emulator or a reason', async () => {
  const other = architecture === 'arm64' ? 'x86_64' : 'arm64';
  const found = await findLauncher(other, '/no/such/node');
  assert.ok('missing' in found && found.missing.length > 0);
});
