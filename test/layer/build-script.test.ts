// build.sh from the outside: what it says when it is asked for something that it cannot do.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../build.sh', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'spanstrap-build-'));
after(() => rmSync(scratch, { recursive: true }));

const run = (args: readonly string[], path = process.env.PATH!) =>
  spawnSync('/bin/bash', [script, ...args], { encoding: 'utf8', cwd: scratch, env: { ...process.env, PATH: path } });

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!;

test('help lists every command and option', () => {
  const { status, stdout } = run(['help']);
  assert.equal(status, 0);
  for (const word of ['--arch', '--node', '--allow-unlocked', '--no-code-cache', 'test', 'demo', 'bench', 'clean']) {
    assert.ok(stdout.includes(word), word);
  }
});

test('a wrong command or option fails, names it, and ends with what to try', () => {
  const wrong = [['biuld'], ['--arch', 'mips'], ['--node', '24'], ['--fast'], ['--arch']];
  for (const args of wrong) {
    const { status, stderr } = run(args);
    assert.equal(status, 1, args.join(' '));
    assert.match(stderr, /failed: /);
    assert.ok(stderr.includes(args.at(-1)!), stderr);
    assert.match(lastLine(stderr), /^try: /);
  }
});

test('a command that takes no options does nothing when it is given some', () => {
  const repository = join(scratch, 'repository');
  mkdirSync(join(repository, 'dist'), { recursive: true });
  copyFileSync(script, join(repository, 'build.sh'));
  for (const args of [
    ['clean', '--help'],
    ['clean', 'dist'],
    ['test', '--help'],
    ['test', 'test/local'],
  ]) {
    const { status, stderr } = spawnSync('/bin/bash', ['build.sh', ...args], { encoding: 'utf8', cwd: repository });
    assert.equal(status, 1, args.join(' '));
    assert.ok(
      stderr.includes(`failed: ${args[0]} takes no options, and was given ${args[1]}\ntry: ./build.sh`),
      stderr,
    );
    assert.ok(existsSync(join(repository, 'dist')));
  }
});

test('without node or npm it says what to install', () => {
  const folder = join(scratch, 'bin');
  spawnSync('mkdir', [folder]);
  symlinkSync('/usr/bin/dirname', join(folder, 'dirname'));
  const withoutNode = run([], folder);
  assert.equal(withoutNode.status, 1);
  assert.match(withoutNode.stderr, /^failed: there is no node on the PATH\ntry: install Node 20/);
  symlinkSync(process.execPath, join(folder, 'node'));
  const withoutNpm = run([], folder);
  assert.equal(withoutNpm.status, 1);
  assert.match(withoutNpm.stderr, /^failed: there is no npm on the PATH\ntry: /);
});

test('continuous integration calls the test command and nothing else', () => {
  const lines = readFileSync(new URL('../../.ci/run', import.meta.url), 'utf8').split('\n');
  const commands = lines.filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(
    commands.map((line) => line.replace(/^cd .+/, 'cd')),
    ['set -euo pipefail', 'cd', 'export CI=true', 'exec ./build.sh test </dev/null'],
  );
});
