// The runtime's side of compile caches: names, and what is done with folders that are not what they should be. That V8 takes a
// good one is shown by test/integration/compile.test.ts.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { cacheKey } from '../../../runtime/handler/compile-cache.ts';
import { run, sourceUrl } from '../../support/child-process.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

suite('names in Node’s compile cache', () => {
  test('are the checksum that zlib has, over the kind and the file or its URL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean(), (path, isModule) => {
        const name = isModule ? pathToFileURL(`/var/task/${path}`).href : `/var/task/${path}`;
        const expected = crc32(Buffer.concat([Buffer.of(isModule ? 1 : 0), Buffer.from(name)]));
        assert.equal(cacheKey('/var/task', { path, isModule }), expected.toString(16).padStart(8, '0'));
      }),
    );
  });

  test('are those that this Node uses itself', async (t) => {
    const folder = makeFolder(t, { 'a.cjs': 'exports.a = 1;', 'b ü.mjs': 'export const b = 2;' });
    const caches = join(folder, 'caches');
    const script = "require('./a.cjs'); import('./b ü.mjs');";
    const { code, stderr } = await run(['-e', script], { cwd: folder, env: { NODE_COMPILE_CACHE: caches } });
    assert.equal(code, 0, stderr);
    const [tag] = readdirSync(caches);
    const names = readdirSync(join(caches, tag!));
    assert.ok(names.includes(cacheKey(folder, { path: 'a.cjs', isModule: false })));
    assert.ok(names.includes(cacheKey(folder, { path: 'b ü.mjs', isModule: true })));
  });
});

type Outcome = { readonly lines: readonly string[]; readonly left: readonly string[]; readonly code: number | null };

/** Loads `index.cjs` of a folder in a process of its own, with the compile cache there, and looks at what is left behind. */
async function load(t: TestContext, files: Readonly<Record<string, string>>, env = {}): Promise<Outcome> {
  const taskRoot = makeFolder(t, { 'index.cjs': 'module.exports = 42;', ...files });
  const temporaryFolder = join(taskRoot, 'tmp');
  mkdirSync(temporaryFolder);
  const script = `
    const { useCompileCache } = await import(${JSON.stringify(sourceUrl('runtime/handler/compile-cache.ts'))});
    const { createRequire } = await import('node:module');
    const options = ${JSON.stringify({ taskRoot, temporaryFolder })};
    const release = useCompileCache({ ...options, debug: (text) => console.log(text.replaceAll(options.taskRoot, '')) });
    if (createRequire(options.taskRoot + '/')('./index.cjs') !== 42) throw new Error('not loaded');
    release();
    release();`;
  const { code, stdout, stderr } = await run(['--input-type=module', '--eval', script], { env });
  assert.equal(stderr, '');
  return { code, lines: stdout.split('\n').filter((line) => line !== ''), left: readdirSync(temporaryFolder) };
}

const manifest = (more: object): string =>
  JSON.stringify({
    node: process.version,
    arch: process.arch,
    v8: 'other',
    modules: [{ path: 'index.cjs', isModule: false, bytes: 20, crc32: 0, cache: '0.cache', cacheCrc32: 0 }],
    ...more,
  });

suite('a cache that cannot be used: the function loads, one line says why, nothing is left behind', () => {
  const cases: readonly [what: string, files: Readonly<Record<string, string>>, expected: RegExp][] = [
    ['no manifest', { 'spanstrap-cache/0.cache': 'x' }, /^\/spanstrap-cache is not used, or not all of it: ENOENT/],
    ['a manifest that is not JSON', { 'spanstrap-cache/manifest.json': '{' }, /is not used, .*: .*JSON/],
    ['a manifest without a list', { 'spanstrap-cache/manifest.json': manifest({ modules: 7 }) }, /is not used/],
    ['another Node', { 'spanstrap-cache/manifest.json': manifest({ node: 'v1.2.3' }) }, /it is of Node v1\.2\.3 /],
    [
      'another architecture',
      { 'spanstrap-cache/manifest.json': manifest({ arch: 'pdp11' }) },
      /it is of Node v\S+ pdp11/,
    ],
    ['other flags', { 'spanstrap-cache/manifest.json': manifest({}) }, /V8 has other flags here, look at NODE_OPTIONS/],
  ];
  for (const [what, files, expected] of cases) {
    test(what, async (t) => {
      const { code, lines, left } = await load(t, files);
      assert.equal(code, 0);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0]!, expected);
      assert.deepEqual(left, []);
    });
  }

  test('Node’s own cache is set up or disabled already', async (t) => {
    const files = { 'spanstrap-cache/manifest.json': manifest({ modules: [] }) };
    // With no module nothing is set up, so nothing can be in the way.
    assert.deepEqual((await load(t, files, { NODE_DISABLE_COMPILE_CACHE: '1' })).left, []);
    const { lines, left } = await load(
      t,
      { 'spanstrap-cache/manifest.json': manifest({}), 'spanstrap-cache/0.cache': '' },
      { NODE_DISABLE_COMPILE_CACHE: '1' },
    );
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, /NODE_DISABLE_COMPILE_CACHE/);
    assert.deepEqual(left, []);
  });

  test('no cache: not a word', async (t) => {
    assert.deepEqual(await load(t, {}), { code: 0, lines: [], left: [] });
  });
});
