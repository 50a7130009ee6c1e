// Invocations that run out of time, or nearly: what is told of them before the deadline, and that nothing stands there twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { startHttpServer } from '../support/http-server.ts';

const TIMEOUT_MS = 3000;
const ERROR = 2;

/** It begins three spans, ends one, and then waits for an answer. */
const WAITING = {
  'index.mjs': `
    import { trace } from '@opentelemetry/api';
    const tracer = trace.getTracer('waiting');
    export const handler = ({ url }) => tracer.startActiveSpan('outer', async (outer) => {
      tracer.startSpan('ended').end();
      const inner = tracer.startSpan('inner');
      await fetch(url);
      inner.end();
      outer.end();
      return 'after all';
    });`,
};

const startWaiting = (): Promise<FunctionUnderTest> =>
  startFunction({
    files: WAITING,
    packages: ['@opentelemetry/api'],
    timeoutMs: TIMEOUT_MS,
    // Which modules are worth a span is a matter of time.
    environment: { SPANSTRAP_INIT_MODULES: 'off' },
  });

const allOf = (documents: readonly XrayDocument[]): XrayDocument[] =>
  documents.flatMap((document) => [document, ...allOf(document.subsegments ?? [])]);

const openNames = ({ xray }: FunctionUnderTest): string[] =>
  allOf(xray.documents)
    .filter(({ in_progress: isOpen }) => isOpen)
    .map(({ name }) => name);

/** Names of what has left for good, each as often as it did. */
function finalNames({ xray, otlp }: FunctionUnderTest): { xray: string[]; otlp: string[] } {
  const documents = allOf(xray.documents).filter(({ in_progress: isOpen }) => !isOpen);
  return {
    xray: documents.map(({ name }) => name).toSorted(),
    otlp: otlp.spans.map(({ name }) => name).toSorted(),
  };
}

const INIT = ['Initialization', 'extension registration', 'handler load', 'node boot', 'runtime load'];
const CALL = '127.0.0.1';

test('F126: out of time: the open spans go out before the deadline, and the final ones at SIGTERM, marked', async (t) => {
  const { port } = await startHttpServer(t, () => {});
  await using fn = await startWaiting();
  const running = fn.emulator.invoke({ url: `http://127.0.0.1:${port}/` });
  const marker = await fn.otlp.waitFor(
    ({ spans }) => spans.find(({ name }) => name === 'Timeout imminent'),
    'a marker',
  );
  assert.deepEqual(marker.flat['spanstrap.open_spans'], ['outer', 'inner', 'GET']);
  assert.match(String(marker.flat['spanstrap.active_handles']), /TCPSocketWrap/);
  await fn.xray.waitFor(() => openNames(fn).length > 0, 'documents in progress');
  assert.equal(fn.emulator.state?.runtime, 'Running', 'before the deadline');
  assert.deepEqual(openNames(fn).toSorted(), [CALL, 'Invocation', 'inner', 'outer'].toSorted());
  const invocation = fn.xray.documents.find(({ name, in_progress: isOpen }) => name === 'Invocation' && isOpen);
  assert.match(JSON.stringify(invocation?.metadata), /spanstrap\.active_handles[^\]]*TCPSocketWrap/);

  const result = await running;
  assert.equal(result.status, 'timeout');
  await result.idle;
  await fn.xray.drain();
  const final = finalNames(fn);
  const server = fn.otlp.spans.find(({ kind }) => kind === 2)!;
  const names = ['ended', 'inner', 'outer', 'Invocation', 'Overhead'];
  assert.deepEqual(withoutInit(final.otlp), [...names, 'GET', 'Timeout imminent', server.name].toSorted());
  assert.deepEqual(withoutInit(final.xray), [...names, CALL].toSorted());
  assert.equal(server.status?.code, ERROR);
  assert.equal(server.flat['error.type'], 'Sandbox.Timedout');
  for (const name of ['inner', 'outer', 'GET']) {
    const span = fn.otlp.spans.find((candidate) => candidate.name === name);
    assert.equal(span?.flat['spanstrap.unfinished'], true, name);
  }
});

test('F126: it finishes after all: the final spans take the places of those in progress, and nothing is there twice', async (t) => {
  const waiting: (() => void)[] = [];
  const { port } = await startHttpServer(t, (_request, response) => void waiting.push(() => response.end('x')));
  await using fn = await startWaiting();
  const running = fn.emulator.invoke({ url: `http://127.0.0.1:${port}/` });
  await fn.xray.waitFor(() => openNames(fn).includes('Invocation'), 'documents in progress');
  for (const answer of waiting) answer();
  const result = await running;
  assert.deepEqual([result.status, result.text], ['success', '"after all"']);
  await result.idle;
  // On a busy machine there may have been no time left before the deadline; then they wait for this.
  await fn.emulator.shutdown('spindown');
  await fn.xray.drain();

  const final = finalNames(fn);
  const server = fn.otlp.spans.find(({ kind }) => kind === 2)!;
  const names = ['ended', 'inner', 'outer', 'Invocation', 'Overhead'];
  assert.deepEqual(withoutInit(final.otlp), [...names, 'GET', 'Timeout imminent', server.name].toSorted());
  assert.deepEqual(withoutInit(final.xray), [...names, CALL].toSorted());
  const ids = fn.otlp.spans.map(({ spanId }) => spanId);
  assert.equal(new Set(ids).size, ids.length, 'nothing is doubled');
  for (const span of fn.otlp.spans) {
    const isMarker = span.name === 'Timeout imminent';
    assert.equal(span.flat['spanstrap.unfinished'], isMarker ? true : undefined, span.name);
    assert.equal(span.flat['spanstrap.dropped.otlp.killed'], undefined);
  }
  const [inProgress, done] = [true, undefined].map((isOpen) =>
    allOf(fn.xray.documents)
      .filter((document) => document.in_progress === isOpen)
      .map(({ id }) => id),
  );
  for (const id of inProgress!) assert.equal(done!.filter((other) => other === id).length, 1, `${id} is replaced`);
  assert.doesNotMatch(JSON.stringify(fn.xray.documents.filter((document) => !document.in_progress)), /unfinished/);
});

test('quick invocations leave no marker, however many there are', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => 1;' },
    timeoutMs: TIMEOUT_MS,
  });
  for (let count = 0; count < 20; count++) await fn.invoke({});
  assert.deepEqual(openNames(fn), []);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Timeout imminent').length, 0);
});

function withoutInit(names: readonly string[]): string[] {
  return names.filter((name) => !INIT.includes(name));
}
