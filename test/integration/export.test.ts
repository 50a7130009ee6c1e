// When and how the built layer exports: after the response, before the freeze, whatever becomes of the backends.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { Fault } from '../../local/emulator/faults.ts';
import { forbidden, notFound } from '../../local/emulator/refusals.ts';
import { startFunction } from '../support/function-under-test.ts';

const ECHO = { 'index.mjs': 'export const handler = async (event) => ({ echo: event });' };

test('the caller has its response while the OTLP backend still holds the export', async () => {
  await using fn = await startFunction({ files: ECHO });
  fn.otlp.hold();
  const result = await fn.emulator.invoke({ n: 1 });
  assert.deepEqual(result.json(), { echo: { n: 1 } });
  await fn.otlp.waitFor(({ requests }) => requests.length === 1, 'the export');
  // The extension has not polled again: Lambda would not freeze the environment yet.
  const states = fn.emulator.state!.extensions.map(({ state }) => state);
  assert.deepEqual(states, ['Running']);
  fn.otlp.release();
  assert.equal((await result.idle).how, 'idle');
});

test('X-Ray datagrams are out before the OTLP export is answered', async () => {
  await using fn = await startFunction({ files: ECHO });
  fn.otlp.hold();
  const result = await fn.emulator.invoke({});
  await fn.xray.waitFor(({ documents }) => documents.length === 3, 'three documents');
  fn.otlp.release();
  await result.idle;
});

for (const [what, fault] of [
  ['refused', { api: 'register', answer: forbidden('Extension.TooManyExtensions', 'Extension limit (10) reached') }],
  ['absent', { api: 'register', answer: notFound }],
  ['closed', { api: 'register', close: true }],
] satisfies [string, Fault][]) {
  test(`registration ${what}: invocations are served, and flushed before the next poll`, async () => {
    await using fn = await startFunction({ files: ECHO, faults: [fault] });
    for (const n of [1, 2]) {
      assert.deepEqual((await fn.invoke({ n })).json(), { echo: { n } });
    }
    assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 2);
    assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 2);
  });
}

test('frozen between invocations: nothing is left half done, and the thawed function goes on', async () => {
  await using fn = await startFunction({ files: ECHO, freeze: true });
  for (const n of [1, 2, 3]) {
    const result = await fn.invoke({ n });
    assert.deepEqual(result.json(), { echo: { n } });
    await fn.emulator.waitFor(() => fn.emulator.isFrozen, { what: 'the freeze' });
    assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, n);
    assert.equal(fn.xray.documents.filter(({ name }) => name === 'Overhead').length, n);
  }
});

test('SIGTERM: what waits for a backend that was down is flushed before the process ends', async () => {
  await using fn = await startFunction({ files: ECHO });
  fn.otlp.answerWith({ status: 503 });
  await fn.invoke({ n: 1 });
  fn.otlp.answerWith(undefined);
  fn.otlp.clear();
  const report = await fn.emulator.shutdown('spindown');
  assert.equal(report!.gotSigterm, true);
  assert.equal(report!.exitCode, 0);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 1);
});

test('a SIGTERM listener of the function runs, and decides when the process ends', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `process.on('SIGTERM', () => { console.log('goodbye'); process.exit(7); });
        export const handler = async () => 1;`,
    },
  });
  await fn.invoke({});
  const report = await fn.emulator.shutdown('spindown');
  assert.equal(report!.exitCode, 7);
  assert.ok(fn.emulator.logs.some((line) => line.includes('goodbye')));
});

test('an OTLP backend that answers 500 loses its spans, X-Ray none; one line says so', async () => {
  await using fn = await startFunction({ files: ECHO });
  fn.otlp.answerWith({ status: 500 });
  for (const n of [1, 2, 3]) assert.equal((await fn.invoke({ n })).status, 'success');
  assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 3);
  const lines = fn.emulator.logs.filter((line) => line.includes('OTLP'));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /answered 500/);
});

test('an OTLP backend that comes back gets what was kept for it', async () => {
  await using fn = await startFunction({ files: ECHO });
  fn.otlp.answerWith({ status: 503 });
  for (const n of [1, 2]) await fn.invoke({ n });
  fn.otlp.answerWith(undefined);
  fn.otlp.clear();
  await fn.invoke({ n: 3 });
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 3);
});

test('an OTLP backend that never answers costs its time limit, not the invocation', async () => {
  await using fn = await startFunction({ files: ECHO, environment: { OTEL_EXPORTER_OTLP_TIMEOUT: '200' } });
  fn.otlp.hold();
  assert.equal((await fn.invoke({ n: 1 })).status, 'success');
  assert.equal((await fn.invoke({ n: 2 })).status, 'success');
  assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 2);
  assert.match(fn.emulator.logs.find((line) => line.includes('OTLP'))!, /no answer within/);
  fn.otlp.release();
});

test('an unreachable OTLP endpoint and a daemon address that does not resolve: one line each, invocations go on', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await using fn = await startFunction({
    files: ECHO,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      AWS_XRAY_DAEMON_ADDRESS: 'no-such-host.invalid:2000',
    },
  });
  for (const n of [1, 2]) assert.equal((await fn.invoke({ n })).status, 'success');
  assert.equal(fn.emulator.logs.filter((line) => line.includes('ECONNREFUSED')).length, 1);
  assert.equal(fn.emulator.logs.filter((line) => line.includes('no-such-host.invalid')).length, 1);
});

test('without any OTLP variable X-Ray alone is served, and nothing is said', async () => {
  await using fn = await startFunction({ files: ECHO, otlp: false });
  await fn.invoke({});
  assert.equal(fn.xray.documents.length, 3);
  assert.equal(fn.otlp.requests.length, 0);
  assert.deepEqual(fn.emulator.logs, []);
});
