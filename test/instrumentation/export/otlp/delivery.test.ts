// What an OTLP exporter makes of answers: retries, wishes of the receiver, partial success, requests that are too large.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { createOtlpExporter, type OtlpExporterOptions } from '../../../../instrumentation/export/otlp/exporter.ts';
import { readRetryAfter } from '../../../../instrumentation/export/otlp/http-verdict.ts';
import { createOtlpJsonExporter } from '../../../../instrumentation/export/otlp/json-exporter.ts';
import { decodeProtobufTraces } from '../../../../local/sinks/otlp-messages.ts';
import { spansOf } from '../../../../local/sinks/otlp-sink.ts';
import { type HttpServer, type ReceivedRequest, startHttpServer } from '../../../support/http-server.ts';
import { buildSpan } from '../../span-builder.ts';

const batchOf = (...names: string[]): SpanBatch => ({
  spans: names.map((name) => buildSpan({ name })),
  xray: undefined,
  isSampledForOtlp: true,
});
const inAMinute = (): number => Date.now() + 60_000;
const namesIn = ({ body }: ReceivedRequest): string[] =>
  spansOf(decodeProtobufTraces(body).resourceSpans).map(({ name }) => name);

type Answer = {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
};

/** Answers each request with what `answer` says; nothing means 200. */
const start = (t: TestContext, answer: (request: ReceivedRequest, index: number) => Answer): Promise<HttpServer> => {
  let index = 0;
  return startHttpServer(t, (request, response) => {
    const { status = 200, headers = {}, body } = answer(request, index++);
    response.writeHead(status, headers).end(body);
  });
};

function create(
  { port }: HttpServer,
  options: Partial<OtlpExporterOptions> = {},
  make: (options: OtlpExporterOptions) => ReturnType<typeof createOtlpExporter> = createOtlpExporter,
) {
  const reports: string[] = [];
  const exporter = make({
    url: `http://127.0.0.1:${port}/v1/traces?key=hunter2`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    report: (message) => reports.push(message),
    ...options,
  });
  return { exporter, reports };
}

test('a Retry-After within the time left is waited for', async (t) => {
  const server = await start(t, (_request, index) =>
    index === 0 ? { status: 429, headers: { 'retry-after': '1' } } : {},
  );
  const { exporter } = create(server);
  const before = performance.now();
  assert.equal((await exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);
  assert.ok(performance.now() - before >= 990);
  assert.equal(server.requests.length, 2);
});

test('one beyond it is kept for the next flushes: the receiver is left alone', async (t) => {
  const server = await start(t, () => ({ status: 503, headers: { 'retry-after': '120' } }));
  const { exporter } = create(server);
  const batches = [batchOf('a')];
  const first = await exporter.export(batches, inAMinute());
  assert.equal(first.unsent, batches);
  const second = await exporter.export(batches, inAMinute());
  assert.equal(second.unsent, batches);
  assert.match(second.error ?? '', /asked to be left alone for another 1(20|19) s$/);
  assert.equal(server.requests.length, 1);
});

test('Retry-After: seconds or a date', () => {
  assert.equal(readRetryAfter(undefined), undefined);
  assert.equal(readRetryAfter('7'), 7000);
  assert.equal(readRetryAfter('0'), 0);
  assert.equal(readRetryAfter('soon'), undefined);
  assert.equal(readRetryAfter('Wed, 21 Oct 2015 07:28:00 GMT'), 0);
  const ms = readRetryAfter(new Date(Date.now() + 100_000).toUTCString())!;
  assert.ok(ms > 90_000 && ms <= 100_000, `${ms} ms`);
});

/** ExportTraceServiceResponse { partial_success { rejected_spans: 2, error_message: "too old" } } */
const PARTIAL = Uint8Array.of(0x0a, 0x0b, 0x08, 0x02, 0x12, 0x07, ...Buffer.from('too old'));
/** The same without rejected spans: a warning. */
const WARNING = Uint8Array.of(0x0a, 0x09, 0x12, 0x07, ...Buffer.from('too old'));

test('partial success: what was rejected is dropped and not sent again; the reason is told once', async (t) => {
  const server = await start(t, () => ({ body: PARTIAL }));
  const { exporter, reports } = create(server);
  for (let i = 0; i < 2; i++) {
    const outcome = await exporter.export([batchOf('a', 'b', 'c')], inAMinute());
    assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 2 });
  }
  assert.equal(server.requests.length, 2);
  assert.deepEqual(reports, [
    `http://127.0.0.1:${server.port}/v1/traces rejected 2 of the spans it was sent: too old; said once`,
  ]);
});

test('partial success without rejected spans is a warning', async (t) => {
  const { exporter, reports } = create(await start(t, () => ({ body: WARNING })));
  assert.deepEqual(await exporter.export([batchOf('a')], inAMinute()), { sentSpans: 1, droppedSpans: 0 });
  assert.match(reports[0] ?? '', /has a warning about the spans it was sent: too old; said once$/);
});

test('partial success in JSON', async (t) => {
  const body = JSON.stringify({ partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } });
  const server = await start(t, () => ({ body }));
  const { exporter, reports } = create(server, {}, createOtlpJsonExporter);
  assert.deepEqual(await exporter.export([batchOf('a', 'b', 'c')], inAMinute()), { sentSpans: 1, droppedSpans: 2 });
  assert.equal(reports.length, 1);
  assert.equal(server.requests[0]?.headers['content-type'], 'application/json');
});

for (const [what, body] of [
  ['nothing', ''],
  ['an empty message', Uint8Array.of()],
  ['an empty partial success', Uint8Array.of(0x0a, 0x00)],
  ['garbage', 'hello, this is not protobuf'],
  ['a message that is cut off', PARTIAL.slice(0, 6)],
  ['more than is kept', Buffer.alloc(200_000, 0x0a)],
] as const) {
  test(`200 with ${what}: sent, and nothing to tell`, async (t) => {
    const { exporter, reports } = create(await start(t, () => ({ body })));
    assert.deepEqual(await exporter.export([batchOf('a')], inAMinute()), { sentSpans: 1, droppedSpans: 0 });
    assert.deepEqual(reports, []);
  });
}

for (const [what, partialSuccess, sentSpans] of [
  ['less than none', { rejectedSpans: -5 }, 3],
  ['a part of one', { rejectedSpans: 1.5 }, 3],
  ['what is no number', { rejectedSpans: 'many' }, 3],
  ['a list', { rejectedSpans: [1, 2] }, 3],
  ['one, for a reason that is no text', { rejectedSpans: 1, errorMessage: { text: 'too old' } }, 2],
] as const) {
  test(`a receiver that claims to reject ${what}: the books stay right`, async (t) => {
    const body = JSON.stringify({ partialSuccess });
    const { exporter } = create(await start(t, () => ({ body })), {}, createOtlpJsonExporter);
    const outcome = await exporter.export([batchOf('a', 'b', 'c')], inAMinute());
    assert.deepEqual(outcome, { sentSpans, droppedSpans: 3 - sentSpans });
  });
}

test('a receiver that claims to reject less than none, in protobuf', async (t) => {
  const minusOne = Uint8Array.of(0x0a, 0x0b, 0x08, ...Array(9).fill(0xff), 0x01);
  const { exporter } = create(await start(t, () => ({ body: minusOne })));
  assert.deepEqual(await exporter.export([batchOf('a')], inAMinute()), { sentSpans: 1, droppedSpans: 0 });
});

test('a receiver that claims to reject more spans than it got', async (t) => {
  const { exporter } = create(await start(t, () => ({ body: PARTIAL })));
  assert.deepEqual(await exporter.export([batchOf('a')], inAMinute()), { sentSpans: 0, droppedSpans: 1 });
});

test('more spans than a request may have: several requests, every span once, in order', async (t) => {
  const server = await start(t, () => ({}));
  const { exporter } = create(server, { limits: { maxSpans: 3, maxBytes: 1_000_000 } });
  const batches = [batchOf('a', 'b'), batchOf('c'), batchOf('d', 'e', 'f', 'g', 'h'), batchOf('i')];
  assert.deepEqual(await exporter.export(batches, inAMinute()), { sentSpans: 9, droppedSpans: 0 });
  assert.deepEqual(server.requests.map(namesIn), [['a', 'b', 'c'], ['d', 'e', 'f'], ['g', 'h'], ['i']]);
});

test('more bytes than a request may have: halves, down to single spans, which go whatever their size', async (t) => {
  const server = await start(t, () => ({}));
  const { exporter } = create(server, { limits: { maxSpans: 100, maxBytes: 5000 } });
  const small = buildSpan({ name: 'small' });
  const large = ['x', 'y'].map((name) => buildSpan({ name, attributes: { text: 'z'.repeat(6000) } }));
  const batch = { spans: [small, ...large, small], xray: undefined, isSampledForOtlp: true };
  assert.equal((await exporter.export([batch], inAMinute())).sentSpans, 4);
  assert.deepEqual(server.requests.map(namesIn), [['small'], ['x'], ['y'], ['small']]);
});

test('413: halves are tried; what is too large alone is lost, alone', async (t) => {
  const server = await start(t, (request) => ({ status: namesIn(request).includes('big') ? 413 : 200 }));
  const { exporter } = create(server);
  const outcome = await exporter.export([batchOf('a', 'b', 'big', 'c')], inAMinute());
  assert.deepEqual([outcome.sentSpans, outcome.droppedSpans, outcome.unsent], [3, 1, undefined]);
  assert.deepEqual(
    outcome.lost?.flatMap(({ spans }) => spans.map(({ name }) => name)),
    ['big'],
  );
  assert.match(outcome.error ?? '', /answered 413$/);
});

test('a receiver that fails in the middle: what was taken is not sent again', async (t) => {
  const server = await start(t, (_request, index) => (index === 0 ? {} : { status: 503 }));
  const { exporter } = create(server, { limits: { maxSpans: 2, maxBytes: 1_000_000 }, timeoutMs: 100 });
  const outcome = await exporter.export([batchOf('a', 'b'), batchOf('c', 'd'), batchOf('e')], inAMinute());
  assert.equal(outcome.sentSpans, 2);
  assert.deepEqual(
    outcome.unsent?.flatMap(({ spans }) => spans.map(({ name }) => name)),
    ['c', 'd', 'e'],
  );
});

test('the query of the endpoint is sent and not shown', async (t) => {
  const server = await start(t, () => ({ status: 400, body: 'bad' }));
  const { error } = await create(server).exporter.export([batchOf('a')], inAMinute());
  assert.equal(server.requests[0]?.path, '/v1/traces?key=hunter2');
  assert.equal(error, `http://127.0.0.1:${server.port}/v1/traces answered 400 bad`);
});

test('headers out of a secret: fetched once before the first request, and they win', async (t) => {
  const server = await start(t, () => ({}));
  let fetches = 0;
  const { exporter } = create(server, {
    headers: { 'x-key': 'plain', 'x-team': 'shop' },
    fetchHeaders: async () => {
      fetches++;
      return { 'X-Key': 'from the secret' };
    },
  });
  for (let i = 0; i < 2; i++) await exporter.export([batchOf('a')], inAMinute());
  assert.equal(fetches, 1);
  for (const { headers } of server.requests) {
    assert.deepEqual([headers['x-key'], headers['x-team']], ['from the secret', 'shop']);
  }
});

test('a secret that cannot be fetched: nothing is sent without it, the next flush asks again', async (t) => {
  const server = await start(t, () => ({}));
  let fetches = 0;
  const { exporter } = create(server, {
    fetchHeaders: async () => {
      if (fetches++ === 0) throw new Error('AccessDeniedException');
      return { 'x-key': '1' };
    },
  });
  const batches = [batchOf('a')];
  const { unsent, error } = await exporter.export(batches, inAMinute());
  assert.equal(unsent, batches);
  assert.equal(error, 'AccessDeniedException');
  assert.equal(server.requests.length, 0);
  assert.equal((await exporter.export(batches, inAMinute())).sentSpans, 1);
  assert.equal(server.requests[0]?.headers['x-key'], '1');
});

test('a secret that takes too long does not hold up the flush', async (t) => {
  const server = await start(t, () => ({}));
  const { exporter } = create(server, { timeoutMs: 30, fetchHeaders: () => new Promise(() => {}) });
  const { unsent, error } = await exporter.export([batchOf('a')], inAMinute());
  assert.equal(unsent?.length, 1);
  assert.match(error ?? '', /the headers out of the secret did not come in time$/);
});
