// An answer that came in time while nobody looked: a handler kept the event loop busy, or the process was frozen, beyond the time limit.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Verdict } from '../../../../instrumentation/export/otlp/delivery.ts';
import { createGrpcTransport } from '../../../../instrumentation/export/otlp/grpc-transport.ts';
import { createHttpTransport } from '../../../../instrumentation/export/otlp/http-transport.ts';
import type { HttpClient } from '../../../../instrumentation/export/otlp/http-verdict.ts';
import { NodeClient } from '../../../../instrumentation/export/otlp/node-client.ts';
import { decodePartialSuccess } from '../../../../instrumentation/export/otlp/protobuf-answer.ts';
import { SocketClient } from '../../../../instrumentation/export/otlp/socket-client.ts';

const LIMIT_MS = 300;
const TEST_LIMIT_MS = 20_000;

/** Words of the memory that both threads see. */
const ARRIVED = 0;
const MAY_ANSWER = 1;
const ANSWERED = 2;

/** Runs in a thread of its own, which goes on while this one stands still. */
const RECEIVER = `
  const { parentPort, workerData: { words, isGrpc } } = require('node:worker_threads');
  const say = (word) => { Atomics.store(words, word, 1); Atomics.notify(words, word); };
  const answer = (stream, end) => stream.resume().on('end', () => {
    say(${ARRIVED});
    Atomics.wait(words, ${MAY_ANSWER}, 0);
    end();
  });
  const server = isGrpc
    ? require('node:http2').createServer().on('stream', (stream) => answer(stream, () => {
        stream.on('close', () => say(${ANSWERED}));
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.end();
      }))
    : require('node:http').createServer((request, response) => answer(request, () => {
        response.on('finish', () => say(${ANSWERED}));
        response.end();
      }));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

async function startReceiver(t: TestContext, isGrpc: boolean): Promise<{ url: URL; words: Int32Array }> {
  const words = new Int32Array(new SharedArrayBuffer(16));
  const thread = new Worker(RECEIVER, { eval: true, workerData: { words, isGrpc } });
  t.after(() => thread.terminate());
  const [port] = await once(thread, 'message');
  return { url: new URL(`http://127.0.0.1:${port}/`), words };
}

/** The event loop stands still from the arrival of the request until after the time limit; the answer is there long before. */
async function blockWhileAnswered(words: Int32Array, startedAt: number): Promise<void> {
  while (Atomics.load(words, ARRIVED) === 0) {
    assert.ok(performance.now() - startedAt < TEST_LIMIT_MS, 'the request arrives');
    await new Promise((resolve) => setImmediate(resolve));
  }
  Atomics.store(words, MAY_ANSWER, 1);
  Atomics.notify(words, MAY_ANSWER);
  assert.notEqual(Atomics.wait(words, ANSWERED, 0, TEST_LIMIT_MS), 'timed-out', 'the receiver answers');
  const untilMs = startedAt + LIMIT_MS + 20 - performance.now();
  if (untilMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, untilMs);
}

type Post = (url: URL) => (limitMs: number) => Promise<Verdict>;

const overHttp =
  (open: (url: URL) => HttpClient): Post =>
  (url) => {
    const transport = createHttpTransport(
      {
        url,
        contentType: 'application/x-protobuf',
        headers: () => ({}),
        compression: 'none',
        tls: {},
        decodeAnswer: decodePartialSuccess,
      },
      open(url),
    );
    return (limitMs) => transport.post(Buffer.from('spans'), limitMs);
  };

const overGrpc: Post = (url) => {
  const headers = () => ({});
  const transport = createGrpcTransport({
    url,
    headers,
    compression: 'none',
    tls: {},
    decodeAnswer: decodePartialSuccess,
  });
  return (limitMs) => transport.post(Buffer.from('spans'), limitMs);
};

for (const [what, open] of [
  ['the socket', overHttp((url) => new SocketClient(url))],
  ['Node’s client', overHttp((url) => new NodeClient(url, {}, undefined))],
  ['gRPC', overGrpc],
] as const) {
  test(`${what}: an answer that lies there when the time is up counts`, async (t) => {
    const { url, words } = await startReceiver(t, what === 'gRPC');
    const post = open(url);
    Atomics.store(words, MAY_ANSWER, 1);
    // The connection is there from now on.
    assert.equal((await post(TEST_LIMIT_MS)).kind, 'taken');
    words.fill(0);
    const startedAt = performance.now();
    const posted = post(LIMIT_MS);
    await blockWhileAnswered(words, startedAt);
    assert.deepEqual(await posted, { kind: 'taken', rejectedSpans: 0, warning: undefined });
  });
}
