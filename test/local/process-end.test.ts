// What a local program tidies up however it ends, and the programs that rely on it: an interrupt in the middle leaves nothing.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { atProcessEnd } from '../../local/process-end.ts';
import { makeFolder } from '../support/temporary-folder.ts';

const local = path.join(import.meta.dirname, '../../local');
const fixture = path.join(import.meta.dirname, '../fixtures/emulator/layer/bootstrap');

test('what is disposed of is done once, and not again at the end', () => {
  const done: string[] = [];
  {
    using twice = atProcessEnd(() => done.push('done'));
    assert.deepEqual(done, []);
    twice[Symbol.dispose]();
  }
  assert.deepEqual(done, ['done']);
  // At the end of this process `done` would throw, and its exit code would tell.
  atProcessEnd(() => assert.deepEqual(done, ['done']));
});

test('a compile cache that is being tried gives way to the one before when the process ends', (t) => {
  const dir = makeFolder(t, { 'spanstrap-cache/manifest.json': 'the one before' });
  const program = `
    import { placeCompileCache } from ${JSON.stringify(path.join(local, 'compile-cache-writer.ts'))};
    placeCompileCache(${JSON.stringify(dir)}, { manifest: {}, modules: [], contents: new Map() });
    process.exit(3);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [3, '']);
  assert.deepEqual(readdirSync(dir), ['spanstrap-cache']);
  assert.equal(readFileSync(path.join(dir, 'spanstrap-cache/manifest.json'), 'utf8'), 'the one before');
});

/** A layer that starts properly `starts` times, and hangs then; `pids` beside it has one line for each process. */
function hangingLayer(t: TestContext, starts: number): string {
  const layer = makeFolder(t, {
    bootstrap: `#!/bin/sh
here=$(dirname "$0")
echo $$ >> "$here/pids"
[ "$(wc -l < "$here/pids")" -le ${starts} ] && exec '${fixture}'
exec sleep 1000
`,
  });
  chmodSync(path.join(layer, 'bootstrap'), 0o755);
  return layer;
}

const pidsOf = (layer: string): number[] => {
  const file = path.join(layer, 'pids');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
};

const programs = [
  ['the demo', 0, (layer: string) => ['demo.ts', '--layer', layer]],
  ['compile', 2, (layer: string, dir: string) => ['spanstrap.ts', 'compile', dir, '--layer', layer]],
  ['invoke', 0, (layer: string, dir: string) => ['spanstrap.ts', 'invoke', '--dir', dir, '--layer', layer]],
] as const;

for (const [what, starts, argumentsOf] of programs) {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    test(`${what}, ended by ${signal}: no process and no file stays`, async (t) => {
      const layer = hangingLayer(t, starts);
      const scratch = makeFolder(t, { 'function/index.mjs': 'export const handler = async () => 1;' });
      const temporary = path.join(scratch, 'tmp');
      mkdirSync(temporary);
      const [file, ...argv] = argumentsOf(layer, path.join(scratch, 'function')) as [string, ...string[]];
      const child = spawn(process.execPath, [path.join(local, file), ...argv], {
        stdio: 'ignore',
        env: { ...process.env, TMPDIR: temporary },
      });
      t.after(() => child.kill('SIGKILL'));
      const exited = once(child, 'exit');
      const deadline = Date.now() + 20_000;
      while (pidsOf(layer).length <= starts && Date.now() < deadline) await nextTurn();
      const pids = pidsOf(layer);
      assert.equal(pids.length, starts + 1, 'the layer was started');
      child.kill(signal);
      assert.deepEqual(await exited, [code, null]);
      while (pids.some(isRunning) && Date.now() < deadline) await nextTurn();
      assert.deepEqual(pids.filter(isRunning), []);
      assert.deepEqual(readdirSync(temporary), []);
      assert.deepEqual(readdirSync(path.join(scratch, 'function')), ['index.mjs']);
    });
  }
}

/** Whether a process still executes; one that is dead, but not yet collected by its parent, does not. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

test('the demo: a wrong option is a mistake of whoever typed it', (t) => {
  const folder = makeFolder(t, {});
  for (const argv of [['--frob'], ['extra'], ['--layer', folder]]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(local, 'demo.ts'), ...argv], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^demo: .*\ntry: .*\n$/);
    assert.ok(stderr.includes(argv.at(-1)!), stderr);
  }
});

test('output that cannot be written is told of in two lines', () => {
  const command = `'${process.execPath}' '${path.join(local, 'spanstrap.ts')}' --help > /dev/full`;
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^spanstrap: standard output cannot be written: ENOSPC.*\ntry: .*\n$/);
});
