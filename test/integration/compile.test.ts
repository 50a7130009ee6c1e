// `spanstrap compile` and the runtime that uses what it leaves: accepted when everything is the same, ignored when anything is not.

import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { runCli } from '../../local/cli.ts';
import type { Io } from '../../local/command.ts';
import { startEmulator } from '../../local/emulator/emulator.ts';
import type { CompileCacheManifest, CompiledModule } from '../../runtime/handler/compile-cache-folder.ts';
import { BOOTSTRAP, LAYER_FOLDER } from '../support/built-layer.ts';
import { makeFolder } from '../support/temporary-folder.ts';

/** Many functions, none of which runs while the module is loaded. */
const unused = (how: string): string =>
  Array.from({ length: 200 }, (_, number) => `${how} step${number}(value) { return value * ${number} + 1; }`).join(
    '\n',
  );

const COMMON_JS = {
  'index.js': `${unused('function')}\nconst { half } = require('./lib/half.js');\nexports.handler = async ({ n }) => step7(half(n));\n`,
  'lib/half.js': 'exports.half = (value) => value / 2;\n',
};
const MODULE = {
  'index.mjs': `import { half } from './lib/half.mjs';\n${unused('function')}\nexport const handler = async ({ n }) => step7(half(n));\n`,
  'lib/half.mjs': 'export const half = (value) => value / 2;\n',
};
const EXPECTED = (n: number): number => (n / 2) * 7 + 1;

type Run = { readonly code: number; readonly out: string; readonly error: string };

async function compile(...argv: string[]): Promise<Run> {
  let [out, error] = ['', ''];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    readInput: () => Promise.resolve(''),
    columns: 80,
    isColored: false,
  };
  return { code: await runCli(['compile', ...argv, '--layer', LAYER_FOLDER], io), out, error };
}

async function compiled(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = makeFolder(t, files);
  const { code, error } = await compile(dir, '--root', dir);
  assert.equal(code, 0, error);
  return dir;
}

type Use = { readonly result: unknown; readonly accepted: readonly string[]; readonly said: readonly string[] };

/** Runs the function as Lambda would; what Node took from the cache, and what the runtime said of it. */
async function use(dir: string, environment: Readonly<Record<string, string>> = {}): Promise<Use> {
  await using emulator = await startEmulator({
    bootstrap: BOOTSTRAP,
    taskRoot: dir,
    handler: 'index.handler',
    environment: { SPANSTRAP_LOG_LEVEL: 'debug', NODE_DEBUG_NATIVE: 'COMPILE_CACHE', ...environment },
  });
  const result = await emulator.invoke({ n: 4 });
  assert.equal(result.status, 'success', result.text);
  await result.idle;
  await emulator.shutdown();
  const { logs } = emulator;
  return {
    result: result.json(),
    accepted: logs.flatMap((line) => /for \S+ .*?([^/]+) was accepted/.exec(line)?.[1] ?? []).sort(),
    said: logs.filter((line) => line.includes('spanstrap-cache')),
  };
}

const listing = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${join(parentPath, name)} ${statSync(join(parentPath, name)).mtimeMs}`)
    .sort();

const readModules = (dir: string): CompiledModule[] =>
  JSON.parse(readFileSync(join(dir, 'spanstrap-cache/modules.json'), 'utf8')) as CompiledModule[];

const readManifest = (dir: string): CompileCacheManifest =>
  JSON.parse(readFileSync(join(dir, 'spanstrap-cache/manifest.json'), 'utf8')) as CompileCacheManifest;

for (const [kind, files, names] of [
  ['CommonJS', COMMON_JS, ['half.js', 'index.js']],
  ['ES modules', MODULE, ['half.mjs', 'index.mjs']],
] as const) {
  suite(kind, () => {
    test('is accepted, and nothing is written to the function’s folder', async (t) => {
      const dir = await compiled(t, files);
      const before = listing(dir);
      const { result, accepted, said } = await use(dir);
      assert.equal(result, EXPECTED(4));
      assert.deepEqual(accepted, names);
      assert.deepEqual(said, []);
      assert.deepEqual(listing(dir), before);
    });

    test('for another place, as Lambda’s /var/task is: accepted there, and not where it was made', async (t) => {
      const dir = makeFolder(t, files);
      const elsewhere = join(makeFolder(t, {}), 'task folder ü');
      mkdirSync(elsewhere);
      const { code, error } = await compile(dir, '--root', elsewhere);
      assert.equal(code, 0, error);
      cpSync(dir, elsewhere, { recursive: true });
      assert.deepEqual((await use(elsewhere)).accepted, names);
      const { accepted, said } = await use(dir);
      assert.deepEqual(accepted, []);
      assert.match(said[0]!, /it is for a function at .*task folder ü/);
    });

    test('--event: what the handler calls is compiled too', async (t) => {
      const dir = await compiled(t, files);
      const sizeOf = (): number =>
        readdirSync(join(dir, 'spanstrap-cache')).reduce(
          (sum, name) => sum + statSync(join(dir, 'spanstrap-cache', name)).size,
          0,
        );
      const loaded = sizeOf();
      const { code, error } = await compile(dir, '--root', dir, '--event', '{"n":4}');
      assert.equal(code, 0, error);
      assert.ok(sizeOf() > loaded, `${sizeOf()} after ${loaded}`);
      assert.deepEqual((await use(dir)).accepted, names);
    });

    test('a changed source is compiled as it is now', async (t) => {
      const dir = await compiled(t, files);
      const [name] = Object.keys(files);
      const source = readFileSync(join(dir, name!), 'utf8');
      // Of the same length: V8 itself would not notice.
      writeFileSync(join(dir, name!), source.replace('step7(half', 'step8(half'));
      const { result, accepted, said } = await use(dir);
      assert.equal(result, (4 / 2) * 8 + 1);
      assert.deepEqual(
        accepted,
        names.filter((one) => one !== name),
      );
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(said[0]!, /index\.m?js has changed since, compile it again/);

      appendFileSync(join(dir, name!), '\n// longer\n');
      assert.equal((await use(dir)).result, (4 / 2) * 8 + 1);
    });

    test('damaged bytes, a cut file, a file that is not there', async (t) => {
      const dir = await compiled(t, files);
      const entry = readModules(dir).find(({ path }) => path.startsWith('index'))!;
      const file = join(dir, 'spanstrap-cache', entry.cache);
      const good = readFileSync(file);
      const flipped = Buffer.from(good);
      flipped[flipped.length >> 1]! ^= 0xff;
      for (const bytes of [flipped, good.subarray(0, good.length >> 1), good.subarray(0, 7), Buffer.alloc(0)]) {
        writeFileSync(file, bytes);
        const { result, accepted, said } = await use(dir);
        assert.equal(result, EXPECTED(4));
        assert.deepEqual(
          accepted,
          names.filter((name) => name !== entry.path),
        );
        assert.equal(said.length, 1);
        assert.match(said[0]!, /, of index\.m?js, is damaged/);
      }
      writeFileSync(file, good);
      assert.deepEqual((await use(dir)).accepted, names);
    });

    test('other flags of V8', async (t) => {
      const dir = await compiled(t, files);
      const { result, accepted, said } = await use(dir, { NODE_OPTIONS: '--expose-gc' });
      assert.equal(result, EXPECTED(4));
      assert.deepEqual(accepted, []);
      assert.equal(said.length, 1);
      assert.match(said[0]!, /V8 has other flags here/);
    });
  });
}

test('of another Node or architecture: not looked at, in one line', async (t) => {
  const dir = await compiled(t, COMMON_JS);
  const manifest = readManifest(dir);
  for (const foreign of [{ arch: process.arch === 'x64' ? 'arm64' : 'x64' }, { node: 'v24.0.0' }]) {
    writeFileSync(join(dir, 'spanstrap-cache/manifest.json'), JSON.stringify({ ...manifest, ...foreign }));
    const { result, accepted, said } = await use(dir);
    assert.equal(result, EXPECTED(4));
    assert.deepEqual(accepted, []);
    assert.equal(said.length, 1);
    assert.match(said[0]!, /spanstrap-cache is not used, or not all of it: it is of Node/);
  }
});

test('without the debug level not a word is said of it', async (t) => {
  const dir = await compiled(t, COMMON_JS);
  writeFileSync(join(dir, 'spanstrap-cache/manifest.json'), '{');
  const { result, said } = await use(dir, { SPANSTRAP_LOG_LEVEL: 'warn' });
  assert.equal(result, EXPECTED(4));
  assert.deepEqual(said, []);
});

suite('the command', () => {
  test('says what it has made, for people and for programs', async (t) => {
    const dir = makeFolder(t, COMMON_JS);
    const told = await compile(dir);
    assert.equal(told.code, 0, told.error);
    assert.match(told.out, /spanstrap-cache {2}[\d.]+ KB\n/);
    assert.match(told.out, /CommonJS {2}index\.js\n/);
    assert.match(told.out, /init here \d.* without it, \d.* with it\n$/);
    const { out } = await compile(dir, '--json');
    const { modules } = JSON.parse(out) as { modules: { path: string; cacheBytes: number }[] };
    assert.deepEqual(modules.map(({ path }) => path).sort(), ['index.js', 'lib/half.js']);
    assert.ok(modules.every(({ cacheBytes }) => cacheBytes > 100));
    assert.deepEqual(readdirSync(dir).sort(), ['index.js', 'lib', 'spanstrap-cache']);
  });

  test('a function that does not load: exit code 1, its own words, and the former cache stays', async (t) => {
    const dir = await compiled(t, COMMON_JS);
    const before = listing(join(dir, 'spanstrap-cache'));
    writeFileSync(join(dir, 'index.js'), "throw new RangeError('not today');\n");
    const { code, out, error } = await compile(dir);
    assert.deepEqual([code, out], [1, '']);
    assert.match(error, /not today/);
    assert.match(error, /\ntry: spanstrap invoke --dir /);
    assert.deepEqual(listing(join(dir, 'spanstrap-cache')), before);
  });

  test('a handler that fails with the event: the same', async (t) => {
    const dir = makeFolder(t, { 'index.js': "exports.handler = async () => { throw new Error('no'); };\n" });
    const { code, error } = await compile(dir, '--event', '{}');
    assert.equal(code, 1);
    assert.match(error, /the handler failed with this event: .*"no"/);
    assert.deepEqual(readdirSync(dir), ['index.js']);
  });

  for (const [argv, expected] of [
    [['/nowhere'], /\/nowhere is not a folder/],
    [['.', 'more'], /one folder at a time/],
    [['.', '--root', 'here'], /--root here is not an absolute path/],
    [['.', '--bogus'], /Unknown option '--bogus'/],
    [['.', '--event', '{'], /--event is not JSON/],
  ] as const) {
    test(`mistake: ${argv.join(' ')}`, async () => {
      const { code, error } = await compile(...argv);
      assert.equal(code, 2);
      assert.match(error, expected);
    });
  }
});
