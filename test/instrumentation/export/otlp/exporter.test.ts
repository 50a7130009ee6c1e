import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { createOtlpExporter, type OtlpExporterOptions } from '../../../../instrumentation/export/otlp/exporter.ts';
import { runModule, sourceUrl } from '../../../support/child-process.ts';
import { type ReceivedRequest, startHttpServer } from '../../../support/http-server.ts';
import { findClosedPort } from '../../../support/tcp-server.ts';
import { buildSpan, END, exceptionEvent, kinds, START } from '../../span-builder.ts';

const batch = (...spans: ReadableSpan[]): SpanBatch => ({ spans, xray: undefined, isSampledForOtlp: true });
const inAMinute = (): number => Date.now() + 60_000;

const create = (port: number, options: Partial<OtlpExporterOptions> = {}): ReturnType<typeof createOtlpExporter> =>
  createOtlpExporter({
    url: `http://127.0.0.1:${port}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    ...options,
  });

const spans: readonly ReadableSpan[] = [
  buildSpan({
    name: 'GET /orders/{id}',
    kind: kinds.SERVER,
    parent: '53995c3f42cd8ad8',
    isParentRemote: true,
    attributes: {
      text: 'größer',
      whole: 7,
      half: 0.5,
      yes: true,
      list: ['a', 'b'],
      nested: { a: [1, null] },
      empty: [],
    },
    events: [exceptionEvent(new RangeError('too far')), { name: 'plain', time: END, droppedAttributesCount: 2 }],
    links: [{ context: { traceId: '9'.repeat(32), spanId: '8'.repeat(16), traceFlags: 0 }, attributes: { a: 1 } }],
    status: { code: 2, message: 'too far' },
    resource: { 'service.name': 'orders', 'faas.max_memory': 134_217_728, 'aws.log.group.names': ['/aws/lambda/x'] },
    droppedAttributesCount: 3,
  }),
  buildSpan({ name: 'Invocation', start: START, end: END }),
  buildSpan({ name: 'child', kind: kinds.CLIENT, parent: '1'.repeat(16) }),
];

type OfficialCompression = NonNullable<NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>['compression']>;

/** The request of OpenTelemetry's own exporter for the same spans. */
async function officialRequest(port: number, compression: 'gzip' | 'none'): Promise<void> {
  const exporter = new OTLPTraceExporter({
    url: `http://127.0.0.1:${port}/v1/traces`,
    headers: { 'x-key': 'secret' },
    // An enumeration of a package that is not ours to import; these are its values.
    compression: compression as OfficialCompression,
  });
  await new Promise<void>((resolve, reject) =>
    exporter.export([...spans], ({ code, error }) => (code === 0 ? resolve() : reject(error))),
  );
  await exporter.shutdown();
}

for (const compression of ['none', 'gzip'] as const) {
  test(`the bytes are those of OpenTelemetry’s own exporter, compression ${compression}`, async (t) => {
    const server = await startHttpServer(t, (_request, response) => response.end());
    const ours = create(server.port, { compression, headers: { 'x-key': 'secret' } });
    const outcome = await ours.export([batch(spans[0]!), batch(spans[1]!, spans[2]!)], inAMinute());
    assert.deepEqual(outcome, { sentSpans: 3, droppedSpans: 0 });
    await officialRequest(server.port, compression);

    const [found, expected] = server.requests as [ReceivedRequest, ReceivedRequest];
    const plain = ({ body, headers }: ReceivedRequest): Buffer =>
      headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    assert.ok(plain(found).length > 300);
    assert.ok(plain(found).equals(plain(expected)));
    assert.ok(plain(found).equals(Buffer.from(ProtobufTraceSerializer.serializeRequest([...spans])!)));
    for (const name of ['content-type', 'content-encoding', 'x-key', 'host']) {
      assert.equal(found.headers[name], expected.headers[name], name);
    }
    assert.deepEqual([found.method, found.path], [expected.method, expected.path]);
    assert.equal(found.headers['content-length'], `${found.body.length}`);
    assert.equal(found.headers['transfer-encoding'], undefined);
  });
}

test('the URL is used as it is: path, query, credentials, IPv6; headers go along, the content type is ours', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end());
  const exporter = createOtlpExporter({
    url: `http://us%20er:p%40ss@[::ffff:127.0.0.1]:${server.port}/custom/path?tenant=1`,
    headers: { 'Content-Type': 'text/plain', 'User-Agent': 'mine', 'X-Key': 'k' },
    timeoutMs: 10_000,
    compression: 'none',
  });
  // Where there is no IPv6 at all the address cannot be reached, and nothing else is tested here.
  const { error } = await exporter.export([batch(...spans)], inAMinute());
  assert.equal(error, undefined);
  const [request] = server.requests;
  assert.equal(request?.path, '/custom/path?tenant=1');
  assert.equal(request?.headers.authorization, `Basic ${Buffer.from('us er:p@ss').toString('base64')}`);
  assert.equal(request?.headers['content-type'], 'application/x-protobuf');
  assert.equal(request?.headers['user-agent'], 'mine');
  assert.equal(request?.headers['x-key'], 'k');
});

test('a URL that is none is refused at once', () => {
  assert.throws(() => create(0, { url: 'nonsense' }), TypeError);
});

test('exports follow one another on one connection', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end('x'.repeat(100_000)));
  const exporter = create(server.port);
  for (let i = 0; i < 3; i++) await exporter.export([batch(spans[1]!)], inAMinute());
  assert.equal(new Set(server.requests.map(({ clientPort }) => clientPort)).size, 1);
});

test('user code that replaces http.request does not get the export', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end());
  t.mock.method(http, 'request', () => assert.fail('the export is not user code’s'));
  assert.equal((await create(server.port).export([batch(spans[1]!)], inAMinute())).sentSpans, 1);
});

for (const status of [200, 202, 204]) {
  test(`${status}: sent`, async (t) => {
    const { port } = await startHttpServer(t, (_request, response) => response.writeHead(status).end());
    assert.deepEqual(await create(port).export([batch(...spans)], inAMinute()), { sentSpans: 3, droppedSpans: 0 });
  });
}

for (const status of [429, 502, 503, 504]) {
  test(`${status}: sent again, four times in all while there is time, and then kept`, async (t) => {
    const server = await startHttpServer(t, (_request, response) => response.writeHead(status).end('busy'));
    const batches = [batch(...spans)];
    assert.deepEqual(await create(server.port).export(batches, inAMinute()), {
      sentSpans: 0,
      droppedSpans: 0,
      unsent: batches,
      error: `http://127.0.0.1:${server.port}/v1/traces answered ${status} busy`,
    });
    assert.equal(server.requests.length, 4);
  });

  test(`${status}, then 200: sent`, async (t) => {
    let requests = 0;
    const { port } = await startHttpServer(t, (_request, response) =>
      response.writeHead(requests++ === 0 ? status : 200).end(),
    );
    assert.deepEqual(await create(port).export([batch(...spans)], inAMinute()), { sentSpans: 3, droppedSpans: 0 });
    assert.equal(requests, 2);
  });
}

test('a receiver that is down is asked once per export from then on, until it is up again', async (t) => {
  let isUp = false;
  const server = await startHttpServer(t, (_request, response) => response.writeHead(isUp ? 200 : 503).end());
  const exporter = create(server.port);
  const batches = [batch(...spans)];
  for (const requests of [4, 5, 6]) {
    assert.equal((await exporter.export(batches, inAMinute())).unsent, batches);
    assert.equal(server.requests.length, requests);
  }
  isUp = true;
  assert.equal((await exporter.export(batches, inAMinute())).sentSpans, 3);
  isUp = false;
  await exporter.export(batches, inAMinute());
  assert.equal(server.requests.length, 7 + 4);
});

for (const status of [302, 400, 401, 403, 404, 413, 500, 501]) {
  test(`${status}: dropped, with what the server said`, async (t) => {
    const { port } = await startHttpServer(t, (_request, response) => response.writeHead(status).end('x'.repeat(500)));
    assert.deepEqual(await create(port).export([batch(...spans)], inAMinute()), {
      sentSpans: 0,
      droppedSpans: 3,
      error: `http://127.0.0.1:${port}/v1/traces answered ${status} ${'x'.repeat(200)}`,
    });
  });
}

test('nobody listens: may be sent again, and the reason is named', async () => {
  const port = await findClosedPort();
  const batches = [batch(...spans)];
  const { unsent, error, ...rest } = await create(port).export(batches, inAMinute());
  assert.deepEqual(rest, { sentSpans: 0, droppedSpans: 0 });
  assert.equal(unsent, batches);
  assert.match(error ?? '', new RegExp(`^http://127\\.0\\.0\\.1:${port}/v1/traces: .*ECONNREFUSED`));
});

test('credentials in the URL are not in the messages', async () => {
  const port = await findClosedPort();
  const { error } = await create(port, { url: `http://user:secret@127.0.0.1:${port}/v1/traces` }).export(
    [batch(...spans)],
    inAMinute(),
  );
  assert.match(error ?? '', new RegExp(`^http://127\\.0\\.0\\.1:${port}/v1/traces: `));
});

test('a span that cannot be serialised is dropped, and those beside it are sent', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end());
  const hostile = buildSpan();
  Object.defineProperty(hostile, 'attributes', {
    get() {
      throw new TypeError('hostile');
    },
  });
  const reports: string[] = [];
  const exporter = create(server.port, { report: (message) => reports.push(message) });
  for (let i = 0; i < 2; i++) {
    const batches = [batch(spans[0]!, hostile), batch(spans[1]!)];
    const { lost, ...outcome } = await exporter.export(batches, inAMinute());
    // Nothing is wrong with the backend: it is no failure of the export.
    assert.deepEqual(outcome, { sentSpans: 2, droppedSpans: 1, dropReason: 'unsendable' });
    assert.deepEqual(
      lost?.map((part) => part.spans),
      [[hostile]],
    );
  }
  assert.deepEqual(reports, ['spans that could not be encoded are dropped: TypeError: hostile; said once']);
});

test('a connection that is kept does not hold the process', async (t) => {
  const { port } = await startHttpServer(t, (_request, response) => response.end());
  const { code, stdout, stderr } = await runModule(`
    import { createOtlpExporter } from ${JSON.stringify(sourceUrl('instrumentation/export/otlp/exporter.ts'))};
    const exporter = createOtlpExporter({ url: 'http://127.0.0.1:${port}/', headers: {}, timeoutMs: 60000, compression: 'none' });
    console.log(JSON.stringify(await exporter.export([{ spans: [] }], Date.now() + 60000)));
  `);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '{"sentSpans":0,"droppedSpans":0}\n' }, stderr);
});
