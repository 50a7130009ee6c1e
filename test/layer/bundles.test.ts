// The bundles: what esbuild may put into them, and what start.cjs may rely on.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { runInThisContext } from 'node:vm';
import { wrapBundle } from '../../bootstrap/bundle-script.ts';
import { formatLicences, listBundledPackages } from '../../layer/bundled-packages.ts';
import { buildBundle, buildLayerBundles } from '../../layer/bundles.ts';
import { BuildError } from '../../layer/progress.ts';

const constants = { version: '9.8.7', nodeVersion: '24.21.0' };
const build = (name: string) => buildBundle(name, `test/layer/stand-ins/${name}.ts`, constants);

const evaluate = (code: Uint8Array): Record<string, unknown> => {
  const module = { exports: {} };
  const wrapped = runInThisContext(wrapBundle(Buffer.from(code).toString('latin1')));
  wrapped(module.exports, createRequire(import.meta.url), module);
  return module.exports;
};

const inputsOf = ({ metafile }: Awaited<ReturnType<typeof build>>): string[] =>
  Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((path) => inputs[path]!.bytesInOutput > 0),
  );

const openTelemetry = await build('open-telemetry-names');

test('one copy of the SDK is left, whichever of its names is imported, and only as ES modules', () => {
  const inputs = inputsOf(openTelemetry);
  const tracers = inputs.filter((path) => /sdk-trace(-base)?\/dist\/Tracer\.[cm]?js$/.test(path));
  assert.deepEqual(tracers, ['node_modules/@opentelemetry/sdk-trace/dist/Tracer.mjs']);
  const commonJs = inputs.filter((path) => path.includes('@opentelemetry') && !path.endsWith('.mjs'));
  assert.deepEqual(commonJs, []);
  const { presentName, formerName } = evaluate(openTelemetry.code);
  assert.equal(typeof presentName, 'function');
  assert.equal(presentName, formerName);
});

test('each OpenTelemetry package is there once', () => {
  const folders = inputsOf(openTelemetry).map((path) => /.*node_modules\/(@opentelemetry\/[^/]+)/.exec(path));
  const places = new Map<string, Set<string>>();
  for (const found of folders) {
    if (found !== null) places.set(found[1]!, (places.get(found[1]!) ?? new Set()).add(found[0]));
  }
  assert.ok(places.size >= 4);
  for (const [name, folders] of places) assert.equal(folders.size, 1, `${name} in ${[...folders]}`);
});

test('the module hooks are stand-ins, and their built-ins stay away', () => {
  const inputs = inputsOf(openTelemetry);
  assert.deepEqual(inputs.filter((path) => path.includes('-in-the-middle')).sort(), [
    'layer/stand-ins/import-in-the-middle.ts',
    'layer/stand-ins/require-in-the-middle.ts',
  ]);
  const builtins = new Set(
    Object.values(openTelemetry.metafile.outputs).flatMap(({ imports }) =>
      imports.map(({ path }) => path.replace('node:', '')),
    ),
  );
  for (const name of ['module', 'worker_threads', 'inspector']) assert.ok(!builtins.has(name), name);
});

test('modules stand flat in the bundle, none is wrapped for late evaluation', () => {
  // An import() anywhere in the tree wraps what it reaches: 0.6 ms more to evaluate.
  assert.doesNotMatch(Buffer.from(openTelemetry.code).toString(), /__esm\(/);
});

test('a stand-in hook can be made, as instrumentations do, and hooks nothing', async () => {
  for (const name of ['require-in-the-middle', 'import-in-the-middle']) {
    const { Hook } = (await import(`../../layer/stand-ins/${name}.ts`)) as { Hook: new (...args: unknown[]) => object };
    const hook = new Hook(['http'], {}, () => assert.fail('nothing is hooked'));
    await import('node:http');
    assert.deepEqual(Object.keys(hook), []);
  }
});

test('the code is ASCII in lines that can be read in a log, and names no path of the build', async () => {
  for (const { code } of [openTelemetry, await build('answer')]) {
    const text = Buffer.from(code).toString('latin1');
    assert.ok(code.every((byte) => byte < 128));
    // esbuild breaks lines after 160 characters, but only where a statement or list item ends.
    assert.ok(text.split('\n').every((line) => line.length < 2000));
    assert.ok(!text.includes(process.cwd()));
  }
  assert.equal(evaluate((await build('answer')).code).text, 'grün ☂');
});

test('what only documentation says is in no bundle', async () => {
  const bundles = await buildLayerBundles(constants);
  assert.ok(bundles.length >= 8);
  for (const bundle of bundles) {
    const inputs = inputsOf(bundle);
    assert.deepEqual(
      inputs.filter((path) => /-docs\.ts$/.test(path)),
      [],
      bundle.name,
    );
  }
});

test('what user code has put on Object.prototype is no export, and stops no bundle', async () => {
  Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true });
  try {
    assert.deepEqual(Object.keys(evaluate(openTelemetry.code)).sort(), [
      'HttpInstrumentation',
      'formerName',
      'presentName',
    ]);
  } finally {
    delete (Object.prototype as { polluted?: unknown }).polluted;
  }
  for (const { name, code } of await buildLayerBundles(constants)) {
    const text = Buffer.from(code).toString('latin1');
    if (/\bmodule\.exports=/.test(text)) assert.match(text, /of Object\.keys\([\w$]+\)\)[^}]*\bget:/, name);
  }
});

test('constants of the build reach the code', async () => {
  const { code } = await buildBundle('version', 'bootstrap/version.ts', constants);
  assert.deepEqual({ ...evaluate(code) }, { LAYER_NODE_VERSION: '24.21.0', SPANSTRAP_VERSION: '9.8.7' });
});

test('unbundled, the version says so', async () => {
  const { SPANSTRAP_VERSION, LAYER_NODE_VERSION } = await import('../../bootstrap/version.ts');
  assert.equal(SPANSTRAP_VERSION, '0.0.0-source');
  assert.equal(LAYER_NODE_VERSION, process.versions.node);
});

test('an entry that cannot be bundled is a BuildError with file and line', async () => {
  await assert.rejects(
    buildBundle('none', 'test/layer/stand-ins/no-such-file.ts', constants),
    (error) => error instanceof BuildError && error.message.includes('no-such-file.ts'),
  );
});

test('every package in a bundle is listed with version and licence, and its licence text is in LICENSES', async () => {
  const packages = await listBundledPackages([openTelemetry]);
  const names = packages.map(({ name }) => name);
  for (const name of ['@opentelemetry/api', '@opentelemetry/core', '@opentelemetry/sdk-trace', 'forwarded-parse']) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.includes('require-in-the-middle'));
  assert.deepEqual(names, names.toSorted());
  const licences = formatLicences(packages, { version: '24.21.0', licence: 'Node.js is licensed for use as follows' });
  for (const { name, version, licence, licenceText } of packages) {
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.match(licence, /^(Apache-2\.0|MIT|ISC|BSD-[23]-Clause)$/, name);
    assert.ok(licences.includes(`${name} ${version}\n`), name);
    assert.ok(licences.includes(licenceText!), name);
  }
  assert.equal(licences.match(/Apache License\s+Version 2\.0/g)?.length, 1, 'equal texts appear once');
});
