// The bootstrap script under each shell that is here, with a stub in Node's place that prints its arguments and environment.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, suite, test } from 'node:test';
import { makeBootstrapScript } from '../../layer/layer-tree.ts';

const stubNode = `#!/bin/sh
printf '%s\\n' "$0" "$@" -- "$$" "$(env)"
`;

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'spanstrap bootstrap-')));
after(() => rmSync(scratch, { recursive: true }));

const writeExecutable = (path: string, contents: string | Uint8Array): string => {
  writeFileSync(path, contents);
  chmodSync(path, 0o755);
  return path;
};

const script = await makeBootstrapScript('24.21.0');

/** A folder with a space in its name, laid out like the layer. */
const layer = join(scratch, 'the layer');
mkdirSync(join(layer, 'bin'), { recursive: true });
mkdirSync(join(layer, 'spanstrap'));
writeExecutable(join(layer, 'bootstrap'), script);
writeExecutable(join(layer, 'bin/node'), stubNode);
writeFileSync(join(layer, 'spanstrap/start.cjs'), '');
const otherNode = writeExecutable(join(scratch, 'other-node'), stubNode);
const elsewhere = join(scratch, 'elsewhere');
mkdirSync(elsewhere);

type Started = {
  readonly node: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly isSameProcess: boolean;
};

type Run = { readonly status: number | null; readonly stdout: string; readonly stderr: string; readonly pid: number };

type RunOptions = { readonly env?: Record<string, string>; readonly cwd?: string };

const run = (command: readonly string[], { env = {}, cwd = elsewhere }: RunOptions = {}): Run =>
  spawnSync(command[0]!, command.slice(1), {
    cwd,
    env: { PATH: '/usr/bin:/bin', LAMBDA_TASK_ROOT: '/var/task', ...env },
    encoding: 'utf8',
  });

const parse = ({ status, stdout, stderr, pid }: Run): Started => {
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  const end = lines.indexOf('--');
  const env = lines.slice(end + 2).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return {
    node: lines[0]!,
    args: lines.slice(1, end),
    env: Object.fromEntries(env),
    isSameProcess: lines[end + 1] === String(pid),
  };
};

const shells = [['/bin/dash'], ['/bin/bash', '--posix'], ['/bin/bash'], ['/bin/busybox', 'sh']];

const flagsOf = ({ args }: Started): readonly string[] => args.slice(0, -1);
const headerFlags = ['--max-http-header-size', '81920'];
const layerModules = `${layer}/nodejs/node24/node_modules:${layer}/nodejs/node_modules`;
const platformModules =
  '/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task';

for (const shell of shells) {
  const isHere = existsSync(shell[0]!);
  suite(`bootstrap under ${shell.join(' ')}`, { skip: isHere ? false : `${shell[0]} is not on this machine` }, () => {
    const start = (options?: RunOptions): Started => parse(run([...shell, join(layer, 'bootstrap')], options));
    const refuse = (options: RunOptions): Run => run([...shell, join(layer, 'bootstrap')], options);

    test('replaces the shell by the node beside it', () => {
      const started = start();
      assert.equal(started.node, `${layer}/bin/node`);
      assert.deepEqual(started.args, [...headerFlags, `${layer}/spanstrap/start.cjs`]);
      assert.equal(started.env.AWS_EXECUTION_ENV, 'AWS_Lambda_nodejs24.x');
      assert.equal(started.env.NODE_PATH, `${layerModules}:${platformModules}`);
      assert.ok(started.isSameProcess);
    });

    test('derives the memory flags from the memory size', () => {
      const expected = new Map([
        ['128', ['--max-semi-space-size=6', '--max-old-space-size=116']],
        ['1024', ['--max-semi-space-size=51', '--max-old-space-size=922']],
        ['10240', ['--max-semi-space-size=512', '--max-old-space-size=9216']],
        ['', []],
        ['0128', []],
        ['1 GB', []],
        ['-5', []],
      ]);
      for (const [size, flags] of expected) {
        const started = start({ env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: size } });
        assert.deepEqual(flagsOf(started), [...headerFlags, ...flags], size);
      }
    });

    test('leaves the memory flags of NODE_OPTIONS to their user', () => {
      const semi = '--max-semi-space-size=51';
      const old = '--max-old-space-size=922';
      const expected = new Map([
        ['--max-old-space-size=700', [semi]],
        ['--enable-source-maps --max_old_space_size=700', [semi]],
        ['--max-semi-space-size=8', [old]],
        ['--max_semi-space_size=8 --max-old_space-size=99', []],
        ['--enable-source-maps', [semi, old]],
      ]);
      for (const [nodeOptions, flags] of expected) {
        const started = start({ env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024', NODE_OPTIONS: nodeOptions } });
        assert.deepEqual(flagsOf(started), [...headerFlags, ...flags], nodeOptions);
        assert.equal(started.env.NODE_OPTIONS, nodeOptions);
      }
    });

    test('sets NODE_PATH only when it is empty', () => {
      assert.equal(start({ env: { NODE_PATH: '/mine' } }).env.NODE_PATH, '/mine');
      assert.equal(start({ env: { NODE_PATH: '' } }).env.NODE_PATH, `${layerModules}:${platformModules}`);
    });

    test('passes the environment on and adds no variables of its own', () => {
      const mine = { root: 'my root', node: 'my node', self: 's', MULTI: 'a  b*' };
      const { env } = start({ env: mine });
      for (const [name, value] of Object.entries(mine)) assert.equal(env[name], value);
      const shellsOwn = new Set(['PWD', 'OLDPWD', 'SHLVL', '_']);
      const ours = new Set([...Object.keys(mine), 'PATH', 'LAMBDA_TASK_ROOT', 'NODE_PATH', 'AWS_EXECUTION_ENV']);
      const added = Object.keys(env).filter((name) => !shellsOwn.has(name) && !ours.has(name));
      assert.deepEqual(added, []);
    });

    test('starts AWS_LAMBDA_EXEC_WRAPPER with the command it replaces', () => {
      const wrapper = writeExecutable(join(scratch, 'a wrapper'), `#!/bin/sh\nWRAPPED=yes exec "$@"\n`);
      const started = start({ env: { AWS_LAMBDA_EXEC_WRAPPER: wrapper, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' } });
      assert.equal(started.env.WRAPPED, 'yes');
      assert.equal(started.node, `${layer}/bin/node`);
      assert.deepEqual(started.args, [
        ...headerFlags,
        '--max-semi-space-size=6',
        '--max-old-space-size=116',
        `${layer}/spanstrap/start.cjs`,
      ]);
      assert.ok(started.isSameProcess);
    });

    test('refuses a wrapper that is missing with 127 and one that is not executable with 126', () => {
      const missing = refuse({ env: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/no-such-wrapper' } });
      assert.equal(missing.status, 127);
      assert.match(
        missing.stderr,
        /^spanstrap: AWS_LAMBDA_EXEC_WRAPPER is \/opt\/no-such-wrapper, which does not exist; .+\n$/,
      );
      const plain = join(scratch, 'plain-file');
      writeFileSync(plain, '');
      const refused = refuse({ env: { AWS_LAMBDA_EXEC_WRAPPER: plain } });
      assert.equal(refused.status, 126);
      assert.match(
        refused.stderr,
        /^spanstrap: AWS_LAMBDA_EXEC_WRAPPER is .+plain-file, which is not executable; .+\n$/,
      );
    });

    test('starts the node of SPANSTRAP_NODE, with a path of its own or in the working directory', () => {
      assert.equal(start({ env: { SPANSTRAP_NODE: otherNode } }).node, otherNode);
      const { node } = start({ env: { SPANSTRAP_NODE: 'other-node' }, cwd: scratch });
      assert.equal(resolve(scratch, node), otherNode);
    });

    test('refuses a SPANSTRAP_NODE that is missing, a folder, or not executable', () => {
      const expected = new Map([
        ['/no/such/node', 127],
        ['node', 127],
        [elsewhere, 127],
        [join(layer, 'spanstrap/start.cjs'), 126],
      ]);
      for (const [path, status] of expected) {
        const refused = refuse({ env: { SPANSTRAP_NODE: path } });
        assert.equal(refused.status, status, path);
        assert.ok(
          refused.stderr.startsWith(`spanstrap: SPANSTRAP_NODE is ${path}, which is no executable file;`),
          refused.stderr,
        );
      }
    });

    test('finds its folder from a relative path, a bare name, and PATH', () => {
      const expectLayer = (started: Started, root = layer): void => {
        assert.equal(started.args.at(-1), `${root}/spanstrap/start.cjs`);
        assert.equal(started.node, `${root}/bin/node`);
      };
      expectLayer(parse(run([...shell, './bootstrap'], { cwd: layer })));
      expectLayer(parse(run([...shell, 'bootstrap'], { cwd: layer })));
      expectLayer(parse(run([...shell, 'the layer/bootstrap'], { cwd: scratch })));
      expectLayer(parse(run([...shell, '../the layer/bootstrap'])), `${elsewhere}/../the layer`);
    });

    test('finds its folder through links to the file and to the folder', () => {
      const link = join(elsewhere, `link-${shell.join('-').replaceAll('/', '')}`);
      symlinkSync(join(layer, 'bootstrap'), link);
      assert.equal(parse(run([...shell, link])).node, `${layer}/bin/node`);
      symlinkSync(layer, `${link}-folder`);
      assert.equal(parse(run([...shell, `${link}-folder/bootstrap`])).node, `${link}-folder/bin/node`);
    });

    test('falls back to /opt when its files are not beside it', () => {
      const lonely = writeExecutable(join(elsewhere, 'bootstrap'), script);
      const refused = run([...shell, lonely]);
      if (existsSync('/opt/bin/node')) return assert.equal(parse(refused).node, '/opt/bin/node');
      assert.equal(refused.status, 127);
      assert.match(refused.stderr, /^spanstrap: \/opt\/bin\/node is no executable file; .+\n$/);
      const started = parse(run([...shell, lonely], { env: { SPANSTRAP_NODE: otherNode } }));
      assert.equal(started.args.at(-1), '/opt/spanstrap/start.cjs');
      assert.equal(started.env.NODE_PATH, platformModules);
    });
  });
}

test('the bootstrap is found by execvp through PATH, an empty element of it included', () => {
  const env = { PATH: `/nowhere:${layer}:/usr/bin:/bin` };
  assert.equal(parse(run(['/usr/bin/env', 'bootstrap'], { env })).node, `${layer}/bin/node`);
  const current = { PATH: ':/usr/bin:/bin' };
  assert.equal(parse(run(['/usr/bin/env', 'bootstrap'], { env: current, cwd: layer })).node, `${layer}/bin/node`);
});

test('the script has no placeholder left and forks nowhere but for a link', () => {
  const text = Buffer.from(script).toString();
  assert.doesNotMatch(text, /__/);
  assert.deepEqual(text.match(/\$\((?!\()[^)]*\)|`[^`\n]*`(?= *\))/g), ['$(readlink -f -- "$spanstrap_self")']);
});
