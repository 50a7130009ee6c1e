// A smoke test on AWS's own runtime interface emulator: what our emulator says of the platform is checked by theirs.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Conditions } from '../../local/conditions.ts';
import { startEmulator } from '../../local/emulator/emulator.ts';
import { BOOTSTRAP } from '../support/built-layer.ts';
import { provideRie } from './rie-install.ts';

const FUNCTION = fileURLToPath(new URL('../fixtures/handlers/rie', import.meta.url));
const TRACE = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

const rie = await provideRie((text) => console.log(`test/rie: ${text}`));
const skip = 'missing' in rie ? rie.missing : false;
if (skip !== false) console.log(`test/rie: SKIPPED, ${skip}`);

type Answer = { readonly status: number; readonly text: string };

class Rie implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #conditions = new Conditions(() => this.lines.slice(-20).join('\n'));

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.lines.push(...text.split('\n').filter((line) => line !== ''));
        this.#conditions.changed();
      });
    }
  }

  static async start(path: string, handler: string, environment: Record<string, string> = {}): Promise<Rie> {
    const [port, apiPort] = [await freePort(), await freePort()];
    const addresses = [
      `--runtime-interface-emulator-address=127.0.0.1:${port}`,
      `--runtime-api-address=127.0.0.1:${apiPort}`,
    ];
    const child = spawn(path, [...addresses, BOOTSTRAP, handler], {
      cwd: FUNCTION,
      env: { PATH: process.env.PATH, LAMBDA_TASK_ROOT: FUNCTION, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const started = new Rie(child, port);
    await started.#listening(port);
    return started;
  }

  async invoke(event: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#url, { method: 'POST', body: JSON.stringify(event), headers });
    return { status: response.status, text: await response.text() };
  }

  /** Resolves when a line has come that has the text in it. */
  line(text: string): Promise<string> {
    return this.#conditions.waitFor(() => this.lines.find((line) => line.includes(text)), { what: `the line ${text}` });
  }

  async #listening(port: number): Promise<void> {
    for (;;) {
      try {
        await fetch(`http://127.0.0.1:${port}/`);
        return;
      } catch (error) {
        if (this.#child.exitCode !== null)
          throw new Error(`aws-lambda-rie ended:\n${this.lines.join('\n')}`, { cause: error });
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    process.kill(-this.#child.pid!, 'SIGKILL');
    await exited;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

type Seen = { count: number; n: number; traceId: string | null; seen: { again: [number, string]; telemetry: number } };

/** What the handler reports wherever the platform is as documented. */
function checkAnswer(answer: unknown, expected: { count: number; n: number }): void {
  const { count, n, seen, traceId } = answer as Seen;
  assert.deepEqual({ count, n }, expected);
  assert.equal(seen.again[0], 403, 'our name is taken');
  assert.match(seen.again[1], /^Extension\./);
  assert.equal(seen.telemetry, 202);
  assert.ok(traceId === null || traceId.startsWith('Root='), `${traceId}`);
}

test('the same function on our own emulator: cold, warm, extension registered, telemetry answered with 202', async () => {
  await using emulator = await startEmulator({ bootstrap: BOOTSTRAP, taskRoot: FUNCTION, handler: 'index.handler' });
  for (const n of [1, 2]) {
    const result = await emulator.invoke({ n }, { traceHeader: TRACE });
    checkAnswer(result.json(), { count: n, n });
    await result.idle;
  }
});

test('on AWS’s emulator: cold, warm, extension registered, telemetry answered with 202, then an error', {
  skip,
}, async () => {
  assert.ok('path' in rie);
  await using emulator = await Rie.start(rie.path, 'index.handler');
  for (const n of [1, 2]) {
    const { status, text } = await emulator.invoke({ n }, { 'X-Amzn-Trace-Id': TRACE });
    assert.equal(status, 200, text);
    checkAnswer(JSON.parse(text), { count: n, n });
  }
  const failed = JSON.parse((await emulator.invoke({ fails: true })).text);
  assert.deepEqual([failed.errorType, failed.errorMessage], ['RangeError', 'as asked']);
  await emulator.line('Invoke Error');
  const { text } = await emulator.invoke({ n: 3 });
  checkAnswer(JSON.parse(text), { count: 3, n: 3 });
  assert.ok(!emulator.lines.some((line) => line.includes('could not register')));
});

test('on AWS’s emulator: a streamed response arrives whole, twice', { skip }, async () => {
  assert.ok('path' in rie);
  await using emulator = await Rie.start(rie.path, 'index.streamed');
  for (const _ of [1, 2]) assert.deepEqual(await emulator.invoke({}), { status: 200, text: 'one two three' });
});

test('on AWS’s emulator: a handler that takes too long', { skip }, async () => {
  assert.ok('path' in rie);
  await using emulator = await Rie.start(rie.path, 'index.handler', { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' });
  assert.equal((await emulator.invoke({ n: 1 })).status, 200);
  assert.match((await emulator.invoke({ sleeps: true })).text, /Task timed out after 1\.00 seconds/);
});

test('on AWS’s emulator: init that fails is what the caller gets', { skip }, async () => {
  assert.ok('path' in rie);
  await using emulator = await Rie.start(rie.path, 'index.missing');
  assert.match((await emulator.invoke({})).text, /Runtime\.HandlerNotFound/);
});
