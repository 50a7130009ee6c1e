// The npm package as another project gets it: packed, installed without a network, and used on each Node that is here.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, suite, test } from 'node:test';
import { makeManifest, NPM_PACKAGE_FOLDER } from '../../layer/npm-package.ts';
import { LAYER_FOLDER } from '../support/built-layer.ts';

const project = realpathSync(mkdtempSync(join(tmpdir(), 'spanstrap-package-')));
after(() => rmSync(project, { recursive: true, force: true }));

const FUNCTION = `const { withSpan } = require('spanstrap');
exports.handler = (event) => withSpan('own', () => ({ echo: event }));`;

/** This one, and the others on the PATH. */
const nodes = new Map<string, string>();
for (const path of [process.execPath, ...process.env.PATH!.split(delimiter).map((folder) => join(folder, 'node'))]) {
  if (!existsSync(path)) continue;
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
  if (Number(version.slice(1).split('.')[0]) >= 20 && !nodes.has(version)) nodes.set(version, path);
}

const npm = (...args: string[]): string => execFileSync('npm', args, { cwd: project, encoding: 'utf8' });

/** What the package's own program does, run by this Node. */
function run(node: string, ...args: string[]) {
  const program = join(project, 'node_modules/.bin/spanstrap');
  const { status, stdout, stderr } = spawnSync(node, [program, ...args], { cwd: project, encoding: 'utf8' });
  return { status, stdout, stderr };
}

type Packed = { readonly filename: string; readonly files: readonly { readonly path: string }[] };

suite('the npm package', () => {
  writeFileSync(join(project, 'package.json'), '{ "name": "a-function", "version": "1.0.0", "private": true }');
  writeFileSync(join(project, 'index.js'), FUNCTION);
  const [packed] = JSON.parse(npm('pack', '--json', NPM_PACKAGE_FOLDER)) as [Packed];

  test('has what a project needs, and nothing of the build', () => {
    assert.deepEqual(packed.files.map(({ path }) => path).sort(), [
      'LICENSE',
      'LICENSES',
      'README.md',
      'api/spanstrap.cjs',
      'api/spanstrap.d.cts',
      'api/spanstrap.d.mts',
      'api/spanstrap.mjs',
      'cli.mjs',
      'package.json',
    ]);
    assert.match(readFileSync(join(NPM_PACKAGE_FOLDER, 'LICENSES'), 'utf8'), /^protobufjs \d/m);
  });

  test('its package.json is the project’s without what serves development', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const manifest = makeManifest(JSON.parse(text) as Record<string, unknown>);
    assert.deepEqual(JSON.parse(readFileSync(join(NPM_PACKAGE_FOLDER, 'package.json'), 'utf8')), manifest);
    for (const field of ['private', 'scripts', 'dependencies', 'devDependencies', 'optionalDependencies', 'files'])
      assert.equal(manifest[field], undefined, field);
    for (const [field, value] of Object.entries(manifest)) assert.ok(value, field);
  });

  test('is installed without a network, and nothing comes with it', () => {
    npm('install', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`);
    const installed = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    assert.deepEqual(installed, ['spanstrap']);
    assert.match(npm('exec', '--offline', '--no', '--', 'spanstrap', '--help'), /Usage: spanstrap COMMAND/);
  });

  for (const [version, node] of nodes) {
    test(`Node ${version}: help, without a layer`, () => {
      const { status, stdout, stderr } = run(node, '--help');
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^spanstrap: the Node.js runtime[\s\S]*invoke[\s\S]*doctor[\s\S]*compile/);
      for (const command of ['invoke', 'doctor', 'compile']) {
        const help = run(node, command, '--help');
        assert.deepEqual([help.status, help.stderr], [0, ''], command);
        assert.match(help.stdout, new RegExp(`Usage: spanstrap ${command}`));
      }
    });

    test(`Node ${version}: without a layer a command says where to get it`, () => {
      for (const command of ['invoke', 'doctor', 'compile']) {
        const { status, stdout, stderr } = run(node, command);
        assert.deepEqual([status, stdout], [2, ''], command);
        assert.match(stderr, /there is no layer at \S+/);
        assert.match(stderr, /^try: unzip spanstrap-node24-(?:x86_64|arm64)\.zip -d layer, and --layer layer/m);
      }
    });

    test(`Node ${version}: invoke`, () => {
      const { status, stdout, stderr } = run(node, 'invoke', '--layer', LAYER_FOLDER, '--event', '{"n":1}', '--json');
      assert.deepEqual([status, stderr], [0, '']);
      const { invocations, xray, otlp } = JSON.parse(stdout);
      assert.deepEqual(invocations[0].response, { echo: { n: 1 } });
      assert.match(JSON.stringify(xray), /"name":"own"/);
      assert.match(JSON.stringify(otlp), /"name":"own"/);
      assert.match(run(node, 'invoke', `--layer=${LAYER_FOLDER}`).stdout, /^ok {2}Invocation/);
    });

    test(`Node ${version}: doctor`, () => {
      const { status, stdout, stderr } = run(node, 'doctor', '--layer', LAYER_FOLDER);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^doctor: a report/);
    });

    test(`Node ${version}: compile`, () => {
      const { status, stdout, stderr } = run(node, 'compile', '--layer', LAYER_FOLDER);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /spanstrap-cache/);
      assert.ok(existsSync(join(project, 'spanstrap-cache')));
      rmSync(join(project, 'spanstrap-cache'), { recursive: true });
    });

    test(`Node ${version}: the code API is there for require and import`, () => {
      const work = '(span) => span.isRecording()';
      const out = (type: string, code: string): string =>
        execFileSync(node, [`--input-type=${type}`, '-e', code], { cwd: project, encoding: 'utf8' });
      assert.equal(out('commonjs', `console.log(require('spanstrap').withSpan('a', ${work}))`), 'false\n');
      assert.equal(
        out('module', `import { withSpan } from 'spanstrap'; console.log(withSpan('a', ${work}))`),
        'false\n',
      );
    });
  }
});
