// Freezes, made with SIGSTOP: nothing is half done when one comes, and what it has done to connections costs nobody a span.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFaultProxy } from '../../local/fault-proxy.ts';
import { openOtlpSink } from '../../local/sinks/otlp-sink.ts';
import { startFunction } from '../support/function-under-test.ts';

const HANDLER = {
  'index.mjs': `export const handler = async () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;`,
};
const SERVER = 2;

for (const [what, environment, first] of [
  ['async', {}, 1],
  ['continuous: what was begun beside the handler', { SPANSTRAP_FLUSH_STRATEGY: 'continuous,1' }, 2],
] as const) {
  test(`the freeze waits for the answer of the backend, the client does not (${what})`, async () => {
    await using fn = await startFunction({ files: HANDLER, freeze: true, environment });
    for (let count = 1; count < first; count++) await fn.invoke({});
    fn.otlp.clear();
    fn.otlp.hold();
    const result = await fn.emulator.invoke({});
    assert.equal(result.status, 'success');
    await fn.otlp.waitFor(({ requests }) => requests.length > 0, 'the request');
    assert.equal(fn.emulator.isFrozen, false, 'the answer has not come');
    let isIdle = false;
    void result.idle.then(() => {
      isIdle = true;
    });
    // A round trip of everything else that is there: nobody has gone to sleep meanwhile.
    await fn.xray.drain();
    assert.equal(isIdle, false);
    fn.otlp.release();
    await result.idle;
    await fn.emulator.waitFor(() => fn.emulator.isFrozen, { what: 'the freeze' });
    assert.equal(fn.otlp.requests.length, 1, 'sent once');
  });
}

test('connections that the backend closed during the freeze: a fresh one, no span twice, nothing to tell of', async () => {
  await using sink = await openOtlpSink();
  await using proxy = await openFaultProxy(Number(new URL(sink.url).port));
  await using fn = await startFunction({
    files: HANDLER,
    otlp: false,
    freeze: true,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${proxy.port}` },
  });
  for (let count = 1; count <= 4; count++) {
    await fn.invoke({});
    await fn.emulator.waitFor(() => fn.emulator.isFrozen, { what: 'the freeze' });
    assert.equal(proxy.openConnections, 1, 'one connection, kept');
    proxy.cut();
  }
  const ids = sink.spans.map(({ spanId }) => spanId);
  assert.equal(new Set(ids).size, ids.length);
  const roots = sink.spans.filter(({ kind }) => kind === SERVER);
  assert.equal(roots.length, 4);
  for (const { flat } of roots) {
    assert.deepEqual(
      Object.keys(flat).filter((name) => /^spanstrap\.(dropped|resent)/.test(name)),
      [],
    );
  }
  assert.deepEqual(fn.emulator.logs, []);
});

test('a backend that is reset under a kept connection: one more try on a fresh one, and it counts', async () => {
  await using sink = await openOtlpSink();
  await using proxy = await openFaultProxy(Number(new URL(sink.url).port));
  await using fn = await startFunction({
    files: HANDLER,
    otlp: false,
    freeze: true,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${proxy.port}` },
  });
  await fn.invoke({});
  await proxy.set({ kind: 'reset', isForwarded: false, times: 1 });
  await fn.invoke({});
  await fn.invoke({});
  const roots = sink.spans.filter(({ kind }) => kind === SERVER);
  assert.equal(roots.length, 3, 'nothing is lost, nothing is there twice');
  assert.equal(roots[2]!.flat['spanstrap.resent.otlp'], 3);
  assert.deepEqual(fn.emulator.logs, [], 'it worked within the flush');
});

test('freezes do not pile up timers, and no span lasts as long as a freeze', async () => {
  await using fn = await startFunction({ files: HANDLER, freeze: true });
  const begunAt = performance.now();
  const timers: unknown[] = [];
  for (let count = 0; count < 10; count++) {
    timers.push((await fn.invoke({})).json());
    await fn.emulator.waitFor(() => fn.emulator.isFrozen, { what: 'the freeze' });
  }
  assert.ok(
    timers.every((count) => (count as number) <= 1),
    `timers during the handler: ${timers}`,
  );
  const mostNanos = BigInt(Math.ceil((performance.now() - begunAt) * 1e6));
  for (const { name, startTimeUnixNano, endTimeUnixNano } of fn.otlp.spans) {
    const lasted = BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano);
    assert.ok(lasted >= 0n && lasted <= mostNanos, `${name} ${lasted}`);
  }
});
