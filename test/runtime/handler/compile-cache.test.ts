// The runtime's side of compile caches: what is done with folders that are not what they should be. That V8 takes a good one is
// shown by test/integration/compile.test.ts.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { run, sourceUrl } from '../../support/child-process.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

type Outcome = { readonly lines: readonly string[]; readonly left: readonly string[]; readonly code: number | null };

/** Loads `index.cjs` of a folder in a process of its own, with the compile cache there, and looks at what is left behind. */
async function load(t: TestContext, files: Readonly<Record<string, string>>, env = {}): Promise<Outcome> {
  const taskRoot = makeFolder(t, { 'index.cjs': 'module.exports = 42;', ...files });
  const manifestFile = join(taskRoot, 'spanstrap-cache/manifest.json');
  if (existsSync(manifestFile))
    writeFileSync(manifestFile, readFileSync(manifestFile, 'utf8').replace('{root}', taskRoot));
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

/** `{root}` stands for the function's folder. */
const manifest = (more: object): string =>
  JSON.stringify({ node: process.version, arch: process.arch, v8: 'other', root: '{root}', ...more });

suite('a cache that cannot be used: the function loads, one line says why, nothing is left behind', () => {
  const cases: readonly [what: string, files: Readonly<Record<string, string>>, expected: RegExp][] = [
    ['no manifest', { 'spanstrap-cache/0.cache': 'x' }, /^\/spanstrap-cache is not used, or not all of it: ENOENT/],
    ['a manifest that is not JSON', { 'spanstrap-cache/manifest.json': '{' }, /is not used, .*: .*JSON/],
    ['a manifest that is no object', { 'spanstrap-cache/manifest.json': 'null' }, /is not used/],
    [
      'another place',
      { 'spanstrap-cache/manifest.json': manifest({ root: '/var/task' }) },
      /for a function at \/var\/task/,
    ],
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

  for (const env of [{ NODE_DISABLE_COMPILE_CACHE: '1' }, { NODE_COMPILE_CACHE: '/tmp' }] as const) {
    const [variable] = Object.keys(env);
    test(`${variable} is set`, async (t) => {
      const { lines, left } = await load(t, { 'spanstrap-cache/manifest.json': manifest({}) }, env);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0]!, new RegExp(variable!));
      assert.deepEqual(left, []);
    });
  }

  test('no cache: not a word', async (t) => {
    assert.deepEqual(await load(t, {}), { code: 0, lines: [], left: [] });
  });
});
