// docs/dependencies.md says what package.json does.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

type Manifest = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string> | undefined>;

const manifest = JSON.parse(read('package.json')) as Manifest;
const named = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies });
const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (\S+) \| ([^|]+) \| (yes|no) \| (.+) \|$/gm)];

test('the table names exactly the packages of package.json, sorted', () => {
  const documented = rows.map(([, name]) => name);
  assert.deepEqual(documented, named.toSorted());
});

test('versions and licences are those of the lockfile and the packages', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { version: string; license?: string }>;
  };
  for (const [, name, version, licence] of rows) {
    const locked = lock.packages[`node_modules/${name}`]!;
    assert.equal(version, locked.version, name);
    const own = `node_modules/${name}/package.json`;
    // Node of the other architecture is not installed.
    const installed = existsSync(new URL(own, root)) ? JSON.parse(read(own)).license : locked.license;
    assert.equal(licence, installed, name);
  }
});

test('versions are pinned', () => {
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  for (const [name, version] of Object.entries(wanted)) {
    assert.match(version.replace(/^npm:.+@/, ''), /^~?\d+\.\d+\.\d+$/, name);
  }
});

test('the lockfile has every optional package of every platform: npm ci refuses it otherwise', () => {
  type Entry = { readonly optionalDependencies?: Record<string, string> };
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Entry> };
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      assert.ok(
        packages[`node_modules/${name}`] ?? packages[`${path}/node_modules/${name}`],
        `${name}, wanted by ${path}`,
      );
    }
  }
});
