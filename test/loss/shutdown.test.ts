// The end of an environment. What is recorded leaves within 300 ms of SIGTERM, after the user's own listeners.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFunction } from '../support/function-under-test.ts';

/** An environment in the mode `finalize` has spans left when it is shut down. */
const FINALIZE = { SPANSTRAP_FLUSH_MODE: 'finalize', SPANSTRAP_FLUSH_INTERVAL: '900000', SPANSTRAP_BATCH_SIZE: '1000' };

const ENDED = { exitCode: 0, signal: null, gotSigterm: true };

const ending = async (fn: Awaited<ReturnType<typeof startFunction>>) => {
  const { tookMs, ...report } = (await fn.emulator.shutdown('spindown'))!;
  await fn.xray.drain();
  return report;
};

test('SIGTERM: everything that waits is sent, then the process ends with 0', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => 1;' },
    environment: FINALIZE,
  });
  for (const _ of [1, 2, 3]) await fn.invoke({});
  assert.deepEqual([fn.otlp.spans, fn.xray.documents], [[], []]);
  assert.deepEqual(await ending(fn), ENDED);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 3);
  assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 3);
});

test('listeners of the user’s run first, all of them; what they record and do is in the flush', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const tracer = trace.getTracer('test');
        let kept;
        process.on('SIGTERM', () => { console.log('first'); kept.end(); });
        process.on('SIGTERM', () => {
          console.log('second');
          setTimeout(() => { console.log('third'); process.exit(7); }, 200);
        });
        exports.handler = async () => { kept ??= tracer.startSpan('kept open'); };`,
    },
    packages: ['@opentelemetry/api'],
    environment: FINALIZE,
  });
  await fn.invoke({});
  assert.deepEqual(await ending(fn), { ...ENDED, exitCode: 7 });
  assert.deepEqual(
    fn.emulator.logs.map((line) => line.split('\t').at(-1)),
    ['first', 'second', 'third'],
  );
  const kept = fn.otlp.spans.find(({ name }) => name === 'kept open')!;
  assert.equal(kept.flat['spanstrap.unfinished'], undefined);
});

test('a listener that wants to live on is not cut off: the platform ends it', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `process.on('SIGTERM', () => setInterval(() => console.log('still here'), 20));
        export const handler = async () => 1;`,
    },
    environment: FINALIZE,
  });
  await fn.invoke({});
  assert.deepEqual(await ending(fn), { exitCode: null, signal: 'SIGKILL', gotSigterm: true });
  assert.ok(fn.emulator.logs.length > 2);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 1);
});

test('a listener that throws is a crash like any other, and costs no span', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `process.on('SIGTERM', () => { throw new Error('in the listener'); });
        export const handler = async () => 1;`,
    },
    environment: FINALIZE,
  });
  await fn.invoke({});
  assert.deepEqual(await ending(fn), { ...ENDED, exitCode: 129 });
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 1);
});

test('a backend that does not answer: the process ends all the same, and what is left is counted or kept', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => 1;' },
    environment: { ...FINALIZE, SPANSTRAP_OTLP_FALLBACK: 'none' },
  });
  await fn.invoke({});
  fn.otlp.hold();
  const report = await fn.emulator.shutdown('spindown');
  assert.deepEqual([report!.exitCode, report!.signal], [0, null]);
  await fn.xray.drain();
  assert.equal(
    fn.xray.documents.filter(({ name }) => name === 'Invocation').length,
    1,
    'one that hangs stops no other',
  );
  assert.match(
    fn.emulator.logs.join('\n'),
    /otlp spans of this environment: 0 sent by this process, none dropped, .*\d+ kept for the next process/,
  );
});

test('SIGTERM while a handler runs: it may answer; its spans and those before it are sent', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `process.on('SIGTERM', () => {});
        export const handler = async ({ waitMs }) => { await new Promise((resolve) => setTimeout(resolve, waitMs)); return 'answered'; };`,
    },
    environment: FINALIZE,
  });
  await fn.invoke({ waitMs: 0 });
  const running = fn.emulator.invoke({ waitMs: 150 });
  await fn.emulator.waitFor(() => fn.emulator.state?.runtime === 'Running', { what: 'a running handler' });
  const [{ status, text }] = await Promise.all([running, ending(fn)]);
  assert.deepEqual([status, text], ['success', '"answered"']);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 1);
});
