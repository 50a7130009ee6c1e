// Connections that break, hang or are closed at the wrong moment, byte by byte: what is tried again, and what may have arrived.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { createOtlpExporter, type OtlpExporterOptions } from '../../../../instrumentation/export/otlp/exporter.ts';
import { createHttpTransport } from '../../../../instrumentation/export/otlp/http-transport.ts';
import { NoAnswer } from '../../../../instrumentation/export/otlp/http-verdict.ts';
import { decodePartialSuccess } from '../../../../instrumentation/export/otlp/protobuf-answer.ts';
import { startTcpServer } from '../../../support/tcp-server.ts';
import { buildSpan } from '../../span-builder.ts';

const batch = (...spans: ReadableSpan[]): SpanBatch => ({ spans, xray: undefined, isSampledForOtlp: true });
const inAMinute = (): number => Date.now() + 60_000;
const span = buildSpan({ name: 'Invocation' });

const create = (port: number, options: Partial<OtlpExporterOptions> = {}): ReturnType<typeof createOtlpExporter> =>
  createOtlpExporter({
    url: `http://127.0.0.1:${port}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    ...options,
  });

/** 50 ms less the jitter. */
const FIRST_PAUSE_AT_LEAST_MS = 34;

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** A server that does one step per request; a request is taken for whole when its bytes stop. */
async function startScript(
  t: Parameters<typeof startTcpServer>[0],
  ...steps: ((socket: Socket) => void)[]
): Promise<{ port: number; log: { connections: number; requests: number } }> {
  const log = { connections: 0, requests: 0 };
  const port = await startTcpServer(t, (socket) => {
    log.connections++;
    socket.on('data', (bytes) => {
      if (bytes.toString('latin1').startsWith('POST ')) steps[log.requests++]?.(socket);
    });
  });
  return { port, log };
}

const answer = (socket: Socket): void => void socket.write(ANSWER);
const reset = (socket: Socket): void => void socket.resetAndDestroy();

test('a kept connection that died is replaced once', async (t) => {
  const { port, log } = await startScript(t, answer, reset, answer);
  const exporter = create(port);
  assert.equal((await exporter.export([batch(span)], inAMinute())).sentSpans, 1);
  const outcome = await exporter.export([batch(span)], inAMinute());
  assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 0, resentSpans: 1 });
  assert.deepEqual(log, { connections: 2, requests: 3 });
});

test('and only once: the receiver may have it twice already', async (t) => {
  const { port, log } = await startScript(t, answer, reset, reset, answer);
  const exporter = create(port);
  const batches = [batch(span)];
  await exporter.export(batches, inAMinute());
  const { error, ...rest } = await exporter.export(batches, inAMinute());
  assert.deepEqual(rest, { sentSpans: 0, droppedSpans: 0, unsent: batches, doubtful: batches, resentSpans: 1 });
  assert.match(error ?? '', /ECONNRESET/);
  assert.equal(log.requests, 3);
});

test('a kept connection that the receiver has closed meanwhile is not used, and nothing is in doubt', async (t) => {
  const closing = Promise.withResolvers<void>();
  const { port, log } = await startScript(
    t,
    (socket) => {
      answer(socket);
      socket.on('close', () => closing.resolve());
      socket.end();
    },
    answer,
  );
  const exporter = create(port);
  await exporter.export([batch(span)], inAMinute());
  await closing.promise;
  assert.deepEqual(await exporter.export([batch(span)], inAMinute()), { sentSpans: 1, droppedSpans: 0 });
  assert.deepEqual(log, { connections: 2, requests: 2 });
});

test('a fresh connection that dies is tried again after a pause, once', async (t) => {
  const { port, log } = await startScript(t, reset, answer, reset, reset, answer);
  const exporter = create(port);
  const before = performance.now();
  const outcome = await exporter.export([batch(span)], inAMinute());
  assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 0, resentSpans: 1 });
  assert.equal(log.requests, 2);
  assert.ok(performance.now() - before >= FIRST_PAUSE_AT_LEAST_MS);
});

test('a connection that dies before all of the request has left: nothing is in doubt', async (t) => {
  let requests = 0;
  const port = await startTcpServer(t, (socket) => {
    socket.once('data', () => {
      requests++;
      socket.resetAndDestroy();
    });
  });
  // More than the buffers between the two hold.
  const large = buildSpan({ attributes: { text: 'x'.repeat(16 * 1024 * 1024) } });
  const { unsent, doubtful, resentSpans } = await create(port, { limits: { maxSpans: 10, maxBytes: 1e8 } }).export(
    [batch(large)],
    inAMinute(),
  );
  assert.deepEqual([unsent?.length, doubtful, resentSpans], [1, undefined, undefined]);
  assert.equal(requests, 4, 'three retries');
});

for (const [what, half] of [
  ['within its body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
  ['within its head', 'HTTP/1.1 200 OK\r\nContent-Le'],
] as const) {
  test(`an answer that breaks off ${what} says all the same that the spans are taken`, async (t) => {
    const { port, log } = await startScript(t, (socket) => void socket.end(half));
    assert.deepEqual(await create(port).export([batch(span)], inAMinute()), { sentSpans: 1, droppedSpans: 0 });
    assert.equal(log.requests, 1);
  });
}

test('an answer that breaks off within its status line says nothing', async (t) => {
  const { port } = await startScript(t, ...Array(2).fill((socket: Socket) => void socket.end('HTTP/1.1 2')));
  const batches = [batch(span)];
  const { unsent, doubtful } = await create(port).export(batches, inAMinute());
  assert.equal(unsent, batches);
  assert.deepEqual(doubtful, batches);
});

test('an answer that is not HTTP: may be sent again', async (t) => {
  const { port } = await startScript(t, (socket) => void socket.end('hello\r\n\r\n'));
  const batches = [batch(span)];
  const { unsent, error } = await create(port).export(batches, inAMinute());
  assert.equal(unsent, batches);
  assert.match(error ?? '', /not an HTTP\/1\.1 status line: "hello"$/);
});

test('a server that hangs: given up at the time limit, and the next export works', async (t) => {
  const { port, log } = await startScript(t, () => {}, answer);
  // A quarter of a second, because a busy machine must answer the second one in that time.
  const exporter = create(port, { timeoutMs: 250 });
  const batches = [batch(span)];
  const { error, ...rest } = await exporter.export(batches, inAMinute());
  assert.deepEqual(rest, { sentSpans: 0, droppedSpans: 0, unsent: batches, doubtful: batches });
  assert.match(error ?? '', new RegExp(`^http://127\\.0\\.0\\.1:${port}/v1/traces: no answer within (249|250) ms$`));
  assert.equal((await exporter.export(batches, inAMinute())).sentSpans, 1);
  assert.equal(log.connections, 2);
});

test('a server that begins to answer and hangs is given up as well, and has taken the spans', async (t) => {
  const { port } = await startScript(t, (socket) => void socket.write(ANSWER.replace('Length: 0', 'Length: 5')));
  const outcome = await create(port, { timeoutMs: 30 }).export([batch(span)], inAMinute());
  assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 0 });
});

test('the deadline shortens the time limit', async (t) => {
  const { port } = await startScript(t, () => {});
  const { error } = await create(port).export([batch(span)], Date.now() + 30);
  assert.match(error ?? '', /no answer within \d\d? ms$/);
});

test('a second try has what is left of the time limit, not another one', async (t) => {
  const { port, log } = await startScript(t, answer, () => {}, answer);
  const exporter = create(port, { timeoutMs: 250 });
  await exporter.export([batch(span)], inAMinute());
  const { error } = await exporter.export([batch(span)], inAMinute());
  assert.match(error ?? '', /no answer within \d+ ms$/);
  assert.equal(log.requests, 2);
});

test('a time limit that Node’s timer has kept a little early is no reason for a second try', async () => {
  let sent = 0;
  const transport = createHttpTransport(
    {
      url: new URL('http://127.0.0.1:4318/v1/traces'),
      contentType: 'application/x-protobuf',
      headers: () => ({}),
      compression: 'none',
      tls: {},
      decodeAnswer: decodePartialSuccess,
    },
    {
      async send(_headers, _body, timeoutMs) {
        sent++;
        return { answer: undefined, error: new NoAnswer(timeoutMs), wasReused: true, hasLeft: true };
      },
      close() {},
    },
  );
  const verdict = await transport.post(Buffer.from('spans'), 250);
  assert.deepEqual([verdict.kind, verdict.wasResent, sent], ['later', undefined, 1]);
});

test('a deadline that has passed: nothing is sent, nothing is lost', async (t) => {
  const { port, log } = await startScript(t, answer);
  const batches = [batch(span)];
  const { unsent, error } = await create(port).export(batches, Date.now() - 5);
  assert.equal(unsent, batches);
  assert.match(error ?? '', /there was no time left$/);
  assert.equal(log.requests, 0);
});

test('a header that HTTP does not allow is told of without its value, and rejects nothing', async (t) => {
  const { port } = await startScript(t, answer);
  const batches = [batch(span)];
  const { unsent, error } = await create(port, { headers: { 'x-key': 'se\ncret' } }).export(batches, inAMinute());
  assert.equal(unsent, batches);
  assert.match(error ?? '', /x-key/);
  assert.doesNotMatch(error ?? '', /cret/);
});
