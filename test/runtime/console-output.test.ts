// The console in a process of its own: real descriptors, real exits.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { telemetryFrame } from '../../runtime/telemetry-log.ts';

const CONSOLE = join(import.meta.dirname, '../../runtime/console.ts');

/** Runs a script behind an installed console; `log` is its log writer. */
function run(script: string, options: { stdio?: (number | 'pipe')[]; install?: object } = {}): ChildProcess {
  const install = JSON.stringify({ ...options.install });
  const source = `
    import { installConsole } from ${JSON.stringify(CONSOLE)};
    const currentInvocation = () => ({ requestId: 'r-1', tenantId: undefined });
    const log = installConsole({ format: undefined, level: undefined, currentInvocation, ...${install} });
    ${script}`;
  const stdio = options.stdio ?? ['ignore', 'pipe', 'pipe'];
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio });
}

async function outputOf(script: string, install = {}): Promise<{ out: string; error: string; code: number }> {
  const child = run(script, { install });
  const [out, error, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  return { out, error, code };
}

const messagesOf = (out: string): string[] =>
  out.split('\n').map((line) => (line.includes('\t') ? line.split('\t').slice(2).join(' ') : line));

test('P76 P79: the global console writes to stdout; process.stdout and process.stderr stay raw, in order', async () => {
  const { out, error } = await outputOf(`
    console.log('one');
    process.stdout.write('two, raw\\n');
    console.error('three');
    process.stderr.write('raw error\\n');
    console.table([{ a: 1 }]);
    console.dir({ a: 1 });
    console.fatal('four');
    new console.Console(process.stdout).log('a console of its own');`);
  const [one, two, three, table, dir, four, own] = messagesOf(out);
  assert.deepEqual([one, two, three], ['INFO one', 'two, raw', 'ERROR three']);
  assert.match(table!, /^INFO ┌.*\r.*└.*┘$/s);
  assert.deepEqual([dir, four, own], ['{ a: 1 }', 'FATAL four', 'a console of its own']);
  assert.equal(error, 'raw error\n');
});

test('P86: nothing is lost at process.exit, with and without process.stdout in use, however slow the reader', async () => {
  for (const use of ['', 'process.stdout.isTTY;']) {
    const child = run(`${use}
      for (let line = 0; line < 20000; line++) console.log('line ' + line + ' ' + 'x'.repeat(80));
      log.logUncaughtException(new Error('the last words'));
      process.exit(129);`);
    const [out, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')]);
    const lines = messagesOf(out);
    assert.equal(code, 129);
    assert.equal(lines.length, 20002, use);
    assert.match(lines[19999]!, /^INFO line 19999 x+$/);
    assert.match(lines[20000]!, /the last words/);
  }
});

test('P79: lines keep their order with what user code has queued on process.stdout', async () => {
  const { out } = await outputOf(`
    for (let line = 0; line < 3000; line++) {
      process.stdout.write('raw ' + line + ' ' + 'x'.repeat(100) + '\\n');
      console.log('logged ' + line);
    }`);
  const lines = messagesOf(out).slice(0, -1);
  assert.equal(lines.length, 6000);
  for (let line = 0; line < 3000; line++) {
    assert.match(lines[2 * line]!, new RegExp(`^raw ${line} x+$`));
    assert.equal(lines[2 * line + 1], `INFO logged ${line}`);
  }
});

test('a process.stdout.write that user code replaced sees the lines, as on the managed runtimes', async () => {
  const { out } = await outputOf(`
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (line) => write(line.replace('secret', '***'));
    console.log('secret');
    process.stdout.write = () => { throw new Error('broken'); };
    console.log('a write that throws is not the caller’s error');`);
  assert.deepEqual(messagesOf(out), ['INFO ***', '']);
});

test('process.stdout is made at its first use by user code, and is then the ordinary property', async () => {
  const { out } = await outputOf(`
    const before = Object.getOwnPropertyDescriptor(process, 'stdout');
    console.log('x');
    const { write } = process.stdout;
    const after = Object.getOwnPropertyDescriptor(process, 'stdout');
    console.log(before.get !== after.get, after.get === Object.getOwnPropertyDescriptor(process, 'stdout').get);
    console.log(typeof write, process.stdout === process.stdout, after.configurable, after.enumerable);`);
  assert.deepEqual(messagesOf(out), ['INFO x', 'INFO true true', 'INFO function true true true', '']);
});

test('a closed stdout fails nothing', async () => {
  const child = run(`
    console.error('to nobody');
    process.stderr.write('still here');`);
  child.stdout!.destroy();
  const [error, [code]] = await Promise.all([text(child.stderr!), once(child, 'close')]);
  assert.equal(error, 'still here');
  assert.equal(code, 0);
});

type Frame = { type: number; length: number; epochMs: number; message: string };

function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readInt32BE(at + 4);
    frames.push({
      type: bytes.readUInt32BE(at),
      length,
      epochMs: Number(bytes.readBigInt64BE(at + 8) / 1000n),
      message: bytes.toString('utf8', at + 16, at + 16 + length),
    });
    at += 16 + length;
  }
  return frames;
}

test('P83: frames for the telemetry descriptor, TEXT and JSON, each level with its mask', async () => {
  for (const [format, base] of [
    ['TEXT', 0xa55a0003],
    ['JSON', 0xa55a0002],
  ] as const) {
    const script = `
      for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) console[level]('a\\nb ü');
      process.stdout.write('raw');`;
    const child = run(script, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], install: { format, telemetryFd: '3' } });
    const startedAt = Date.now();
    const [frames, out, error] = await Promise.all([
      buffer(child.stdio[3] as NodeJS.ReadableStream).then(readFrames),
      text(child.stdout!),
      text(child.stderr!),
    ]);
    assert.equal(error, '');
    assert.equal(out, 'raw');
    assert.deepEqual(
      frames.map(({ type }) => type),
      [4, 8, 12, 16, 20, 24].map((mask) => (base | mask) >>> 0),
    );
    for (const { length, message, epochMs } of frames) {
      assert.equal(length, Buffer.byteLength(message));
      assert.ok(epochMs >= startedAt - 1000 && epochMs <= Date.now());
      if (format === 'TEXT') assert.match(message, /^[^\t]+Z\tr-1\t[A-Z]{4,5}\ta\nb ü\n$/, 'newlines stay');
      else assert.equal(JSON.parse(message).message, 'a\nb ü');
    }
    if (format === 'JSON') assert.ok(!frames[0]!.message.endsWith('\n'));
  }
});

test('P83: descriptor 0, no number, and one that cannot be written mean stdout', async () => {
  for (const telemetryFd of ['0', '', 'x', '-1', '99']) {
    const { out } = await outputOf("console.log('x'); console.log('y');", { telemetryFd });
    assert.deepEqual(messagesOf(out), ['INFO x', 'INFO y', ''], telemetryFd);
  }
});

test('P83: a full pipe that is non-blocking delays a frame and cuts none', async () => {
  const script = `
    import net from 'node:net';
    const pipe = new net.Socket({ fd: 3 });
    pipe.unref();
    for (let line = 0; line < 200; line++) console.log('x'.repeat(10_000));
    process.exit(0);`;
  const child = run(script, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], install: { telemetryFd: '3' } });
  const frames = readFrames(await buffer(child.stdio[3] as NodeJS.ReadableStream));
  assert.equal(frames.length, 200);
  assert.ok(frames.every(({ message }) => message.endsWith(`${'x'.repeat(10_000)}\n`)));
});

test('P83: a frame, byte by byte', () => {
  const frame = telemetryFrame('WARN', 1_700_000_000_123, 'hé', false);
  const expected = `a55a0013 00000003 ${1_700_000_000_123_000n.toString(16).padStart(16, '0')} 68c3a9`;
  assert.equal(frame.toString('hex'), expected.replaceAll(' ', ''));
});

test('lines go to a file as well', async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'console-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'out');
  await once(
    run("console.log('a'); process.stdout.write('b\\n'); console.log('c');", {
      stdio: ['pipe', openSync(path, 'w'), 'pipe'],
    }),
    'close',
  );
  assert.deepEqual(messagesOf(readFileSync(path, 'utf8')), ['INFO a', 'b', 'INFO c', '']);
});

test('memory does not grow with the number of lines', async () => {
  const script = `
    const measure = () => { gc(); gc(); return process.memoryUsage().heapUsed; };
    const burst = () => { for (let line = 0; line < 20000; line++) console.log('line ' + line, { line }); };
    burst();
    const before = measure();
    for (let round = 0; round < 5; round++) burst();
    process.stderr.write(String(measure() - before));`;
  const child = run(
    `import v8 from 'node:v8'; import vm from 'node:vm'; v8.setFlagsFromString('--expose-gc'); const gc = vm.runInNewContext('gc'); ${script}`,
  );
  child.stdout!.resume();
  const grownBytes = Number(await text(child.stderr!));
  assert.ok(grownBytes < 200_000, `${grownBytes} bytes more after 100 000 lines`);
});
