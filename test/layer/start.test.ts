// start.cjs as Node runs it: what the host does, and that a code cache is used when it fits and never missed when it does not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { EOL, tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { wrapBundle } from '../../bootstrap/bundle-script.ts';
import { buildBundle } from '../../layer/bundles.ts';

const constants = { version: '1.2.3', nodeVersion: process.versions.node };
const folder = mkdtempSync(join(tmpdir(), 'spanstrap-start-'));
after(() => rmSync(folder, { recursive: true }));

const write = async (file: string, entry: string): Promise<void> =>
  writeFileSync(join(folder, file), (await buildBundle(file, entry, constants)).code);

await Promise.all([
  write('start.cjs', 'bootstrap/start.ts'),
  write('runtime.cjs', 'test/layer/stand-ins/probing-runtime.ts'),
  write('otlp.cjs', 'test/layer/stand-ins/answer.ts'),
  write('cache-check.cjs', 'layer/cache-check.ts'),
]);
const userModule = join(folder, 'user module');
mkdirSync(userModule);
writeFileSync(join(userModule, 'index.mjs'), 'export default await Promise.resolve("from the user");');

const run = (args: readonly string[], nodeOptions = '') => {
  const result = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { NODE_OPTIONS: nodeOptions, PROBE_MODULE: pathToFileURL(join(userModule, 'index.mjs')).href },
  });
  assert.equal(result.stderr, '');
  assert.equal(result.status, 0);
  return result.stdout;
};

const start = (nodeOptions?: string): Record<string, unknown> =>
  JSON.parse(run([join(folder, 'start.cjs')], nodeOptions));
const rejectedCaches = (nodeOptions?: string): string =>
  run([join(folder, 'cache-check.cjs'), folder, 'runtime', 'otlp'], nodeOptions);

const cachePath = (name: string): string => join(folder, `${name}.cache`);
const writeCache = (name: string): void => {
  const source = wrapBundle(readFileSync(join(folder, `${name}.cjs`), 'latin1'));
  writeFileSync(cachePath(name), new Script(source, `/elsewhere/${name}.cjs`).createCachedData());
};

const expected = {
  answer: 6,
  isSameBundle: true,
  imported: 'from the user',
  separator: sep,
  required: EOL,
  missing: 'ENOENT',
  argv: 2,
};

const expectStarted = (nodeOptions?: string): void => {
  const { where, ...rest } = start(nodeOptions);
  assert.deepEqual(rest, expected);
  // The bundle's own place, not the one that the cache was made with.
  assert.match(String(where), /^at \S+ \(.+spanstrap-start-\w+\/runtime\.cjs:\d+:\d+\)$/);
};

test('without caches the bundles are compiled and run', () => {
  expectStarted();
});

test('with caches V8 takes them, wherever they were made, and the program is the same', () => {
  writeCache('runtime');
  writeCache('otlp');
  assert.equal(rejectedCaches(), '');
  expectStarted();
});

test('flags of the bootstrap and harmless ones of the user leave the caches valid', () => {
  writeCache('runtime');
  writeCache('otlp');
  const options = '--max-semi-space-size=6 --max-old-space-size=116 --max-http-header-size=81920 --enable-source-maps';
  assert.equal(rejectedCaches(options), '');
  expectStarted(options);
});

test('a flag that changes the flag hash makes V8 reject the caches, silently', () => {
  writeCache('runtime');
  writeCache('otlp');
  assert.equal(rejectedCaches('--jitless'), 'runtime otlp');
  expectStarted('--jitless');
});

test('a damaged, empty or foreign cache is ignored, silently', () => {
  writeCache('otlp');
  writeCache('runtime');
  const good = readFileSync(cachePath('runtime'));
  const damaged = [
    Buffer.alloc(0),
    Buffer.alloc(64),
    good.subarray(0, good.length >> 1),
    readFileSync(cachePath('otlp')),
  ];
  for (const contents of damaged) {
    writeFileSync(cachePath('runtime'), contents);
    assert.equal(rejectedCaches(), 'runtime');
    expectStarted();
  }
});
