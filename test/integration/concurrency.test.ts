// Several invocations at once, as on Lambda Managed Instances: the built layer under the emulator's maxConcurrency.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { refusal } from '../../local/emulator/refusals.ts';
import { startFunction } from '../support/function-under-test.ts';

const header = (n: number): string =>
  `Root=1-65f1a2b3-${`${n}`.padStart(24, '0')};Parent=${`${n}`.padStart(16, 'a')};Sampled=1`;

/** Meets as many others as the event says, so that all of them are certain to run at once. */
const MEETING = {
  'index.mjs': `
    import { setTimeout as wait } from 'node:timers/promises';
    let met = [];
    export const handler = async ({ n, all }, context) => {
      console.log('before', n);
      met.push(n);
      if (all > 1 && met.length < all) { met.promise ??= new Promise((resolve) => { met.open = resolve; }); await met.promise; }
      met.open?.();
      await wait(n % 3);
      console.log('after', n);
      const store = awslambda.InvokeStore;
      store.set('mine', n);
      await wait(1);
      return {
        n, requestId: store.getRequestId(), contextId: context.awsRequestId, tenantId: store.getTenantId(), traceId: store.getXRayTraceId(),
        mine: store.get('mine'), variable: process.env._X_AMZN_TRACE_ID ?? 'none', pid: process.pid,
      };
    };`,
};

test('P84 P85 P88 P89: eight at once, each in its own async context, JSON logs, trace header in no variable', async () => {
  await using fn = await startFunction({ files: MEETING, maxConcurrency: 8 });
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
  const results = await Promise.all(
    numbers.map((n) =>
      fn.invoke({ n, all: 8 }, { requestId: `request-${n}`, tenantId: `tenant-${n}`, traceHeader: header(n) }),
    ),
  );
  for (const [index, result] of results.entries()) {
    const n = index + 1;
    const seen = result.json() as Record<string, unknown>;
    assert.equal(seen.n, n);
    assert.equal(seen.requestId, `request-${n}`);
    assert.equal(seen.contextId, `request-${n}`);
    assert.equal(seen.tenantId, `tenant-${n}`);
    assert.equal(seen.mine, n);
    assert.equal(seen.variable, 'none');
    assert.ok(`${seen.traceId}`.startsWith(header(n).split(';')[0]!));
  }
  assert.equal(fn.emulator.generation, 1);
  const records = fn.emulator.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(records.length, 16);
  for (const { message, requestId, tenantId, traceId, spanId } of records) {
    const n = `${message}`.split(' ')[1];
    assert.equal(requestId, `request-${n}`);
    assert.equal(tenantId, `tenant-${n}`);
    assert.equal(traceId, `65f1a2b3${`${n}`.padStart(24, '0')}`);
    assert.match(`${spanId}`, /^[0-9a-f]{16}$/);
  }
});

test('each poll has a connection of its own, and as many are open as the platform allows', async () => {
  await using fn = await startFunction({ files: MEETING, maxConcurrency: 5 });
  await fn.emulator.init();
  const open = () => fn.emulator.transcript.filter(({ api, status }) => api === 'next' && status === undefined);
  await fn.emulator.waitFor(() => open().length === 5, { what: 'five open polls' });
  const refused = fn.emulator.transcript.filter(({ status }) => (status ?? 0) >= 400);
  assert.deepEqual(refused, []);
});

test('the extension registers for no event, so that SIGTERM arrives and what waits is flushed', async () => {
  await using fn = await startFunction({ files: MEETING, maxConcurrency: 2 });
  fn.otlp.hold();
  await fn.emulator.invoke({ n: 1, all: 1 });
  await fn.otlp.waitFor(({ requests }) => requests.length === 1, 'the export that is held');
  assert.deepEqual(
    fn.emulator.state!.extensions.map(({ events }) => events),
    [[]],
  );
  fn.otlp.release();
  const report = await fn.emulator.shutdown('spindown');
  assert.equal(report!.gotSigterm, true);
  assert.equal(report!.exitCode, 0);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 1);
});

test('spans go to the invocation that they belong to, and are flushed while others run on', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        import { trace } from '@opentelemetry/api';
        import { setTimeout as wait } from 'node:timers/promises';
        const tracer = trace.getTracer('test');
        const gate = new Promise((resolve) => { globalThis.open = resolve; });
        export const handler = async ({ n, holds, opens }) => tracer.startActiveSpan('work ' + n, async (span) => {
          if (opens) globalThis.open();
          if (holds) await gate; else await wait(n);
          span.end();
          return n;
        });`,
    },
    packages: ['@opentelemetry/api'],
    maxConcurrency: 4,
  });
  const held = fn.emulator.invoke({ n: 1, holds: true }, { traceHeader: header(1) });
  await Promise.all([2, 3].map((n) => fn.emulator.invoke({ n }, { traceHeader: header(n) })));
  await fn.otlp.waitFor(
    ({ spans }) => spans.filter(({ name }) => name === 'Invocation').length === 2,
    'two invocations',
  );
  await fn.emulator.invoke({ n: 4, opens: true }, { traceHeader: header(4) });
  await held;
  await fn.otlp.waitFor(({ spans }) => spans.filter(({ name }) => name === 'Invocation').length === 4, 'all four');
  for (const n of [1, 2, 3, 4]) {
    const traceId = `65f1a2b3${`${n}`.padStart(24, '0')}`;
    const mine = fn.otlp.spans.filter((span) => span.traceId === traceId).map(({ name }) => name);
    assert.deepEqual(
      mine.filter((name) => name.startsWith('work')),
      [`work ${n}`],
    );
  }
  await fn.xray.drain();
  assert.deepEqual(fn.xray.violations, []);
});

test('errors, callbacks and results stay with their invocation, and one that never settles holds up nobody else', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `exports.handler = ({ kind, n }, context, callback) => {
          if (kind === 'throw') throw new RangeError('mine ' + n);
          if (kind === 'callback') return void setTimeout(() => callback(null, n), 5);
          if (kind === 'promise') return Promise.resolve(n);
          if (kind === 'never') return new Promise(() => {});
        };
`,
    },
    maxConcurrency: 6,
    timeoutMs: 400,
  });
  const kinds = ['throw', 'callback', 'callback', 'promise', 'never', 'callback'];
  const results = await Promise.all(kinds.map((kind, n) => fn.emulator.invoke({ kind, n })));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['error', 'success', 'success', 'success', 'timeout', 'success'],
  );
  assert.match(results[0]!.text, /mine 0/);
  assert.deepEqual(
    [1, 2, 3, 5].map((n) => results[n]!.json()),
    [1, 2, 3, 5],
  );
  assert.equal(fn.emulator.generation, 1);
});

test('a handler that returns nothing is answered at once: the event loop is never its own', async () => {
  await using fn = await startFunction({
    files: { 'index.js': 'exports.handler = ({ n }) => { setTimeout(() => {}, 60_000); };' },
    maxConcurrency: 2,
  });
  const results = await Promise.all([1, 2].map((n) => fn.emulator.invoke({ n })));
  assert.deepEqual(
    results.map((result) => result.json()),
    [null, null],
  );
});

test('streams side by side', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { setTimeout as wait } from 'node:timers/promises';
        export const handler = awslambda.streamifyResponse(async ({ n }, stream) => {
          for (let i = 0; i < 20; i++) { stream.write(String(n)); await wait(n % 3); }
          stream.end();
        });`,
    },
    maxConcurrency: 4,
  });
  const results = await Promise.all([1, 2, 3, 4].map((n) => fn.emulator.invoke({ n }, { invokeMode: 'streaming' })));
  assert.deepEqual(
    results.map(({ text }) => text),
    [1, 2, 3, 4].map((n) => `${n}`.repeat(20)),
  );
});

test('a poll that is refused is tried again, with a line in the log, while others go on', async () => {
  await using fn = await startFunction({
    files: MEETING,
    maxConcurrency: 3,
    faults: [{ api: 'next', times: 3, answer: refusal(500, 'Runtime.TooManyIdleRuntimes', 'too many') }],
  });
  const result = await fn.invoke({ n: 1, all: 1 });
  assert.equal(result.status, 'success');
  assert.equal(fn.emulator.generation, 1);
  const lines = fn.emulator.logs.filter((line) => line.includes('attempt 1 of 20'));
  assert.equal(lines.length, 3);
  assert.equal(JSON.parse(lines[0]!).requestId, '-');
});

test('an answer that the platform takes no more ends nothing: 410 and 500', async () => {
  await using fn = await startFunction({
    files: MEETING,
    maxConcurrency: 2,
    faults: [
      { api: 'response', times: 1, applied: true, answer: refusal(410, 'InvokeTimeout', 'Invoke timeout') },
      { api: 'response', after: 1, times: 1, applied: true, answer: refusal(500, 'Runtime.Internal', 'broken') },
    ],
  });
  for (const n of [1, 2, 3]) assert.equal((await fn.invoke({ n, all: 1 })).status, 'success');
  assert.equal(fn.emulator.generation, 1);
});

test('an exception that nobody caught fails every open invocation, and ends the process', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `let open = 0;
        export const handler = async () => { if (++open === 3) setImmediate(() => { throw new Error('for all'); }); await new Promise(() => {}); };`,
    },
    maxConcurrency: 3,
  });
  const results = await Promise.all([1, 2, 3].map((n) => fn.emulator.invoke({ n })));
  for (const result of results) {
    assert.equal(result.status, 'error');
    assert.equal(result.errorType, 'Error');
    assert.match(result.text, /for all/);
  }
  const idle = await results[0]!.idle;
  assert.equal(idle.how, 'idle');
  await fn.emulator.waitFor(() => fn.emulator.pid === undefined || fn.emulator.logs.length > 0, { what: 'the end' });
});

test('P10 P84: records go to the socket that the platform provides', async () => {
  const lines: string[] = [];
  await using fn = await startFunction({
    files: MEETING,
    maxConcurrency: 2,
    platformEnvironment: { _LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET: join(process.cwd(), '.cache/log-socket') },
  });
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(join(process.cwd(), '.cache/log-socket'), resolve);
  await promise;
  try {
    await fn.invoke({ n: 1, all: 1 });
    await fn.emulator.shutdown();
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).message),
      ['before 1', 'after 1'],
    );
    assert.deepEqual(fn.emulator.logs, []);
  } finally {
    server.close();
  }
});
