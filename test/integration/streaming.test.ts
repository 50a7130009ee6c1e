// Streamed responses of the built layer, end to end: size, memory, backpressure, clients that go away, and the order of calls.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Chunk } from '../../local/emulator/request-body.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const MIB = 1024 * 1024;

/** Resident memory of a process in MiB (Linux). */
function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return Number(kib) / 1024;
}

/** Lines that make a function say when its event loop has turned. */
const TURNS = "process.on('SIGUSR2', () => setImmediate(() => console.log('turned')));";

/** Three turns of the function's event loop: what it could do without anybody else, it has done. */
async function letItTurn({ emulator }: FunctionUnderTest): Promise<void> {
  const turns = (): number => emulator.logs.filter((line) => line.endsWith('turned')).length;
  for (let n = 0; n < 3; n++) {
    const before = turns();
    emulator.kill('SIGUSR2');
    await emulator.waitFor(() => turns() > before, { what: 'a turn of the event loop' });
  }
}

const STREAMER = {
  'index.mjs': `
    import { createHash } from 'node:crypto';
    import { once } from 'node:events';
    const block = Buffer.alloc(256 * 1024, 'spanstrap');
    export const handler = awslambda.streamifyResponse(async ({ mib = 1, failsAfterMib }, stream) => {
      const hash = createHash('sha256');
      let waits = 0;
      for (let written = 0; written < mib * 4; written++) {
        if (failsAfterMib !== undefined && written === failsAfterMib * 4) throw new TypeError('in the middle');
        hash.update(block);
        if (!stream.write(block)) { waits++; await once(stream, 'drain'); }
      }
      stream.end();
      console.log(JSON.stringify({ hash: hash.digest('hex'), waits }));
    });
    export const sizes = async () => process.memoryUsage.rss();`,
};

test('P93 P94: 200 MB go through with flat memory, under backpressure, and arrive as they were written', async (t) => {
  await using fn = await startFunction({ files: STREAMER, timeoutMs: 120_000, otlp: false, xray: false });
  await fn.invoke({ mib: 8 }, { invokeMode: 'streaming' });
  const before = residentMib(fn.emulator.pid!);
  let peak = before;
  let received = 0;
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  const result = await fn.invoke(
    { mib: 199 },
    {
      invokeMode: 'streaming',
      onChunk: ({ bytes }: Chunk) => {
        received += bytes.length;
        hash.update(bytes);
        if (received % MIB < bytes.length) peak = Math.max(peak, residentMib(fn.emulator.pid!));
      },
    },
  );
  assert.equal(result.status, 'success');
  assert.equal(received, 199 * MIB);
  const line = fn.emulator.logs.at(-1)!;
  const seen = JSON.parse(line.slice(line.indexOf('{'))) as { hash: string; waits: number };
  assert.equal(hash.digest('hex'), seen.hash);
  assert.ok(seen.waits > 100, `write returned false ${seen.waits} times`);
  t.diagnostic(`resident memory ${before.toFixed(1)} MiB before, ${peak.toFixed(1)} MiB at most`);
  // Blocks in flight and the garbage between two collections; the response is three times as large as all of it.
  assert.ok(peak - before < 64, `grew by ${(peak - before).toFixed(1)} MiB`);
});

test('P101: a failure in the middle: what was written arrives, the error is in the trailers, the next one works', async () => {
  await using fn = await startFunction({ files: STREAMER });
  const failed = await fn.invoke({ mib: 4, failsAfterMib: 2 }, { invokeMode: 'streaming' });
  assert.equal(failed.status, 'error');
  assert.equal(failed.payload.length, 2 * MIB);
  assert.equal(failed.trailers['lambda-runtime-function-error-type'], 'TypeError');
  const body = JSON.parse(Buffer.from(failed.trailers['lambda-runtime-function-error-body']!, 'base64').toString());
  assert.equal(body.errorMessage, 'in the middle');
  const after = await fn.invoke({ mib: 1 }, { invokeMode: 'streaming' });
  assert.equal(after.status, 'success');
  assert.equal(after.payload.length, MIB);
  assert.equal(fn.emulator.generation, 1);
});

test('P93: a slow reader holds the handler back', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        import { once } from 'node:events';
        ${TURNS}
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const block = Buffer.alloc(1024 * 1024);
          for (let n = 1; n <= 64; n++) {
            console.log('wrote ' + n);
            if (!stream.write(block)) await once(stream, 'drain');
          }
          stream.end();
        });`,
    },
  });
  const gate = Promise.withResolvers<void>();
  fn.emulator.faults.add({ api: 'response', times: 1, hold: gate.promise });
  const running = fn.invoke({}, { invokeMode: 'streaming' });
  await fn.emulator.waitFor(() => fn.emulator.transcript.some(({ api }) => api === 'response'), { what: 'the POST' });
  await fn.emulator.waitFor(() => fn.emulator.logs.length > 0, { what: 'the first block' });
  const wrote = (): number => fn.emulator.logs.filter((line) => line.includes('wrote')).length;
  // The emulator reads nothing: what the sockets of both sides buffer is all that can be written.
  let seen = -1;
  while (seen !== wrote()) {
    seen = wrote();
    await letItTurn(fn);
  }
  assert.ok(seen < 32, `the handler wrote ${seen} MiB to a reader that reads nothing`);
  gate.resolve();
  const result = await running;
  assert.equal(result.payload.length, 64 * MIB);
});

test('P102: next is never called before the POST of a stream has been answered, however the stream ends', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        import { setTimeout as wait } from 'node:timers/promises';
        ${TURNS}
        const work = async (kind, stream) => {
          stream.on('error', () => {});
          if (kind !== 'before') stream.write('some');
          if (kind === 'end') return void stream.end('x');
          if (kind === 'endLater') { setTimeout(() => stream.end(), 5); return; }
          if (kind === 'destroy') { await wait(5); return void stream.destroy(new Error('destroyed')); }
          if (kind === 'afterEnd') { stream.end(); throw new Error('after'); }
          if (kind === 'writeAfterEnd') { stream.end(); return void stream.write('more'); }
          throw new Error('failed');
        };
        export const handler = awslambda.streamifyResponse(({ kind }, stream) =>
          work(kind, stream).finally(() => setTimeout(() => console.log('through'), 10)));`,
    },
    timeoutMs: 5000,
  });
  const kinds = ['end', 'endLater', 'destroy', 'before', 'middle', 'afterEnd', 'writeAfterEnd', 'end'];
  for (const kind of kinds) {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = fn.emulator.transcript.length;
    const through = (): number => fn.emulator.logs.filter((line) => line.endsWith('through')).length;
    const throughBefore = through();
    fn.emulator.faults.clear();
    fn.emulator.faults.add({ api: 'response', times: 1, hold: held });
    const running = fn.invoke({ kind }, { invokeMode: 'streaming' });
    await fn.emulator.waitFor(() => fn.emulator.transcript.slice(before).some(({ api }) => api === 'response'), {
      what: 'the POST',
    });
    await fn.emulator.waitFor(() => through() > throughBefore, { what: 'the end of the handler' });
    await letItTurn(fn);
    const calls = fn.emulator.transcript.slice(before).filter(({ api }) => api === 'next' || api === 'response');
    assert.deepEqual(
      calls.filter(({ at, api }) => api === 'next' && at > calls.find((one) => one.api === 'response')!.at),
      [],
      `${kind}: polled while the POST was open`,
    );
    release();
    await running;
  }
  const refused = fn.emulator.transcript.filter(({ status }) => status === 403);
  assert.deepEqual(refused, []);
  assert.equal(fn.emulator.generation, 1);
});

for (const fault of ['close', 'refuse'] as const) {
  test(`a client that goes away (${fault === 'close' ? 'the connection breaks' : 'the API refuses'}) ends the stream, not the process`, async () => {
    await using fn = await startFunction({
      files: {
        'index.mjs': `
          export const handler = awslambda.streamifyResponse(async ({ n }, stream) => {
            stream.on('error', (error) => console.log('stream error', error.message));
            for (let i = 0; i < 100; i++) {
              stream.write(Buffer.alloc(65536));
              await new Promise((resolve) => setImmediate(resolve));
            }
            stream.end();
            console.log('ended', n);
          });`,
      },
      timeoutMs: 3000,
      faults: [
        fault === 'close'
          ? { api: 'response', times: 1, close: true }
          : { api: 'response', times: 1, answer: { status: 410, body: '{"errorType":"InvokeTimeout"}' } },
      ],
    });
    // The platform has heard of no answer: the invocation ends by its time limit or by the next poll.
    const first = fn.emulator.invoke({ n: 1 }, { invokeMode: 'streaming', timeoutMs: 1500 });
    await fn.emulator.waitFor(() => fn.emulator.transcript.filter(({ api }) => api === 'response').length === 1, {
      what: 'the POST',
    });
    await (await first).idle;
    const second = await fn.invoke({ n: 2 }, { invokeMode: 'streaming' });
    assert.equal(second.status, 'success', second.text.slice(0, 200));
    assert.equal(second.payload.length, 100 * 65_536);
    assert.ok(!fn.emulator.logs.some((line) => line.includes('Uncaught') || line.includes('Unhandled')));
  });
}

test('P96: status, headers and cookies of HttpResponseStream reach the caller in front of the body, once', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const body = awslambda.HttpResponseStream.from(stream, { statusCode: 418, headers: { 'x-a': 'ü' }, cookies: ['a=b'] });
          body.write('tea'); body.write('pot'); body.end();
        });`,
    },
  });
  const result = await fn.invoke({}, { invokeMode: 'streaming' });
  assert.equal(result.contentType, 'application/vnd.awslambda.http-integration-response');
  const end = result.payload.indexOf(Buffer.alloc(8));
  assert.deepEqual(JSON.parse(result.payload.subarray(0, end).toString()), {
    statusCode: 418,
    headers: { 'x-a': 'ü' },
    cookies: ['a=b'],
  });
  assert.equal(result.payload.subarray(end + 8).toString(), 'teapot');
});

test('P97: the POST begins with the first write, and the first bytes arrive while the handler goes on', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = awslambda.streamifyResponse(async (event, stream) => {
          await new Promise((resolve) => setTimeout(resolve, 30));
          console.log('before the first write');
          const signal = new Promise((resolve) => process.once('SIGUSR2', resolve));
          stream.write('first');
          await signal;
          stream.end('last');
        });`,
    },
  });
  await fn.emulator.init();
  const chunks: string[] = [];
  const first = Promise.withResolvers<void>();
  const running = fn.invoke(
    {},
    {
      invokeMode: 'streaming',
      onChunk: ({ bytes }) => {
        chunks.push(bytes.toString());
        first.resolve();
      },
    },
  );
  await fn.emulator.waitFor(() => fn.emulator.logs.length > 0, { what: 'the line before the first write' });
  await first.promise;
  assert.deepEqual(chunks, ['first']);
  fn.emulator.kill('SIGUSR2');
  assert.equal((await running).text, 'firstlast');
});
