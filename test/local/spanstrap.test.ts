// The program as a process: its exit codes, its pipes, and that it leaves nothing behind.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

const program = path.join(import.meta.dirname, '../../local/spanstrap.ts');
const layer = path.join(import.meta.dirname, '../fixtures/emulator/layer');
const dir = mkdtempSync(path.join(tmpdir(), 'spanstrap-'));
after(() => rmSync(dir, { recursive: true }));

const start = (...argv: string[]): ChildProcess =>
  spawn(process.execPath, [program, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });

async function outcome(child: ChildProcess): Promise<{ code: number; out: string; error: string }> {
  const [out, error, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { code: code as number, out, error };
}

test('an invocation: exit code 0, no colours in a pipe', async () => {
  const { code, out, error } = await outcome(start('invoke', '--dir', dir, '--layer', layer));
  assert.deepEqual([code, error], [0, '']);
  assert.match(out, /^200 {2}Invocation/);
  assert.ok(!out.includes('\x1b'));
});

test('the event comes from standard input', async () => {
  const child = start('invoke', '--dir', dir, '--layer', layer, '--json', '--event', '-');
  child.stdin!.end('{"fail":true}');
  const { code, out } = await outcome(child);
  assert.equal(code, 1);
  assert.equal((JSON.parse(out) as { invocations: { status: string }[] }).invocations[0]?.status, 'error');
});

test('a mistake: exit code 2, nothing on standard output', async () => {
  const { code, out, error } = await outcome(start('invoke', '--dir', '/nowhere'));
  assert.deepEqual([code, out], [2, '']);
  assert.match(error, /^spanstrap: --dir \/nowhere is not a folder\ntry: /);
});

test('a reader that has enough is no failure', async () => {
  const child = start('invoke', '--dir', dir, '--layer', layer, '--repeat', '20');
  const errors = text(child.stderr!);
  await once(child.stdout!, 'data');
  child.stdout!.destroy();
  const [code] = (await once(child, 'exit')) as [number];
  assert.deepEqual([code, await errors], [0, '']);
});

test('an interrupt ends the function, too', async () => {
  const child = start('invoke', '--dir', dir, '--layer', layer, '--repeat', '1000000');
  let out = '';
  child.stdout!.on('data', (piece) => {
    out += String(piece);
  });
  while (!/pid=\d+ /.test(out)) await once(child.stdout!, 'data');
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 130);
  const pid = Number(/pid=(\d+) /.exec(out)![1]);
  const deadline = Date.now() + 5000;
  while (isRunning(pid) && Date.now() < deadline) await nextTurn();
  assert.equal(isRunning(pid), false);
});

/** Whether a process still executes; one that is dead, but not yet collected by its parent, does not. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
