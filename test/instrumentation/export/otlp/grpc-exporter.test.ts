// OTLP over gRPC against a server of node:http2 that checks the framing.

import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs/light.js';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { createOtlpGrpcExporter } from '../../../../instrumentation/export/otlp/grpc-exporter.ts';
import { readRetryDelay } from '../../../../instrumentation/export/otlp/grpc-status.ts';
import type { OtlpExporterOptions } from '../../../../instrumentation/export/otlp/options.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { runModule, sourceUrl } from '../../../support/child-process.ts';
import { fail, type GrpcCall, startGrpcServer, succeed } from '../../../support/grpc-server.ts';
import { startHttpServer } from '../../../support/http-server.ts';
import { fc } from '../../../support/property.ts';
import { findClosedPort, startTcpServer } from '../../../support/tcp-server.ts';
import { buildSpan } from '../../span-builder.ts';

const batchOf = (...names: string[]): SpanBatch => ({
  spans: names.map((name) => buildSpan({ name, attributes: { text: 'x'.repeat(2000) } })),
  xray: undefined,
  isSampledForOtlp: true,
});
const inAMinute = (): number => Date.now() + 60_000;
const namesIn = ({ spans }: GrpcCall): string[] => spans.map(({ name }) => name);

function create(port: number, options: Partial<OtlpExporterOptions> = {}) {
  const reports: string[] = [];
  const exporter = createOtlpGrpcExporter({
    url: `http://127.0.0.1:${port}`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    report: (message) => reports.push(message),
    ...options,
  });
  return { exporter, reports };
}

for (const compression of ['none', 'gzip'] as const) {
  test(`one unary call with the spans, compression ${compression}`, async (t) => {
    const server = await startGrpcServer(t, (call) => succeed(call));
    const { exporter } = create(server.port, { compression, headers: { 'X-Key': 'k', 'x-team': 'shop' } });
    const outcome = await exporter.export([batchOf('a', 'b'), batchOf('c')], inAMinute());
    assert.deepEqual(outcome, { sentSpans: 3, droppedSpans: 0 });
    const [call] = server.calls;
    assert.deepEqual(namesIn(call!), ['a', 'b', 'c']);
    assert.equal(call?.isCompressed, compression === 'gzip');
    const { headers } = call!;
    assert.equal(headers[':method'], 'POST');
    assert.equal(headers[':scheme'], 'http');
    assert.equal(headers[':authority'], `127.0.0.1:${server.port}`);
    assert.equal(headers[':path'], '/opentelemetry.proto.collector.trace.v1.TraceService/Export');
    assert.match(headers['content-type'] ?? '', /^application\/grpc/);
    assert.equal(headers.te, 'trailers');
    assert.match(String(headers['grpc-timeout']), /^\d{1,8}m$/);
    assert.equal(headers['grpc-encoding'], compression === 'gzip' ? 'gzip' : undefined);
    assert.deepEqual([headers['x-key'], headers['x-team']], ['k', 'shop']);
  });
}

test('calls follow one another on one connection', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  const { exporter } = create(server.port);
  for (let i = 0; i < 3; i++) assert.equal((await exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);
  assert.equal(server.sessions.length, 1);
});

/** ExportTraceServiceResponse { partial_success { rejected_spans: 2, error_message: "too old" } } */
const PARTIAL = Uint8Array.of(0x0a, 0x0b, 0x08, 0x02, 0x12, 0x07, ...Buffer.from('too old'));

for (const [what, answer] of [
  ['plain', (call: GrpcCall) => succeed(call, PARTIAL)],
  ['compressed', (call: GrpcCall) => succeed(call, gzipSync(PARTIAL), 1)],
] as const) {
  test(`partial success, ${what}`, async (t) => {
    const server = await startGrpcServer(t, answer);
    const { exporter, reports } = create(server.port);
    assert.deepEqual(await exporter.export([batchOf('a', 'b', 'c')], inAMinute()), { sentSpans: 1, droppedSpans: 2 });
    assert.deepEqual(reports, [
      `http://127.0.0.1:${server.port} (gRPC) rejected 2 of the spans it was sent: too old; said once`,
    ]);
  });
}

for (const [status, what] of [
  [1, 'CANCELLED'],
  [4, 'DEADLINE_EXCEEDED'],
  [10, 'ABORTED'],
  [11, 'OUT_OF_RANGE'],
  [14, 'UNAVAILABLE'],
  [15, 'DATA_LOSS'],
] as const) {
  test(`${what} is tried again`, async (t) => {
    const server = await startGrpcServer(t, (call, index) => (index === 0 ? fail(call, status) : succeed(call)));
    const { exporter } = create(server.port);
    assert.deepEqual(await exporter.export([batchOf('a')], inAMinute()), { sentSpans: 1, droppedSpans: 0 });
    assert.equal(server.calls.length, 2);
  });
}

for (const [status, what] of [
  [2, 'UNKNOWN'],
  [3, 'INVALID_ARGUMENT'],
  [5, 'NOT_FOUND'],
  [7, 'PERMISSION_DENIED'],
  [8, 'RESOURCE_EXHAUSTED without a delay'],
  [12, 'UNIMPLEMENTED'],
  [13, 'INTERNAL'],
  [16, 'UNAUTHENTICATED'],
] as const) {
  test(`${what} is final, with what the server said`, async (t) => {
    const server = await startGrpcServer(t, (call) => fail(call, status, { 'grpc-message': 'n%C3%B6 way' }));
    const { exporter } = create(server.port);
    assert.deepEqual(await exporter.export([batchOf('a')], inAMinute()), {
      sentSpans: 0,
      droppedSpans: 1,
      error: `http://127.0.0.1:${server.port} (gRPC) answered gRPC status ${status} nö way`,
    });
    assert.equal(server.calls.length, 1);
  });
}

const statusType = protobuf.Root.fromJSON({
  nested: {
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { rule: 'repeated', type: 'Any', id: 3 },
      },
    },
    Any: { fields: { type_url: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    RetryInfo: { fields: { retry_delay: { type: 'Duration', id: 1 } } },
    Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
  },
});

/** `grpc-status-details-bin` of a status with a RetryInfo among other details. */
function retryDetails(seconds: number, nanos: number, message = ''): string {
  const encode = (type: string, value: object): Uint8Array => statusType.lookupType(type).encode(value).finish();
  const info = encode('RetryInfo', { retry_delay: { seconds, nanos } });
  const details = [
    { type_url: 'type.googleapis.com/google.rpc.DebugInfo', value: Uint8Array.of(1, 2, 3) },
    { type_url: 'type.googleapis.com/google.rpc.RetryInfo', value: info },
  ];
  return Buffer.from(encode('Status', { code: 8, message, details })).toString('base64');
}

test('RESOURCE_EXHAUSTED with a RetryInfo is tried again, when the server wants it', async (t) => {
  const more = { 'grpc-status-details-bin': retryDetails(0, 300_000_000) };
  const server = await startGrpcServer(t, (call, index) => (index === 0 ? fail(call, 8, more) : succeed(call)));
  const { exporter } = create(server.port);
  const before = performance.now();
  assert.equal((await exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);
  assert.ok(performance.now() - before >= 295);
});

test('the delay is read out of any status that protobufjs writes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e9 }),
      fc.integer({ min: 0, max: 999_999_999 }),
      fc.string(),
      (s, n, text) => {
        const read = readRetryDelay(retryDetails(s, n, text))!;
        assert.ok(Math.abs(read - (s * 1000 + n / 1e6)) < 1e-3, `${read}`);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = readRetryDelay(Buffer.from(bytes).toString('base64'));
      assert.ok(read === undefined || typeof read === 'number');
    }),
    { numRuns: 2000 },
  );
  assert.equal(readRetryDelay(undefined), undefined);
  assert.equal(readRetryDelay('not base64 at all'), undefined);
});

test('a message that the server calls too large is divided', async (t) => {
  const server = await startGrpcServer(t, (call) =>
    call.spans.length > 1
      ? fail(call, 8, { 'grpc-message': 'grpc: received message larger than max (5000 vs. 4000)' })
      : succeed(call),
  );
  const { exporter } = create(server.port);
  assert.deepEqual(await exporter.export([batchOf('a', 'b', 'c')], inAMinute()), { sentSpans: 3, droppedSpans: 0 });
});

for (const [what, end] of [
  ['the server ended it (GOAWAY)', (call: GrpcCall) => call.session.goaway()],
  ['it was reset', (call: GrpcCall) => call.session.destroy()],
] as const) {
  test(`a kept connection that died is replaced at once: ${what}`, async (t) => {
    const server = await startGrpcServer(t, (call) => succeed(call));
    const { exporter } = create(server.port);
    await exporter.export([batchOf('a')], inAMinute());
    end(server.calls[0]!);
    assert.equal((await exporter.export([batchOf('b')], inAMinute())).sentSpans, 1);
    assert.equal(server.sessions.length, 2);
  });
}

test('a kept connection that dies under a call: the call is made anew, at once', async (t) => {
  const server = await startGrpcServer(t, (call, index) => (index === 1 ? call.session.destroy() : succeed(call)));
  const { exporter } = create(server.port);
  await exporter.export([batchOf('a')], inAMinute());
  const outcome = await exporter.export([batchOf('b')], inAMinute());
  assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 0, resentSpans: 1 });
  assert.deepEqual(server.calls.map(namesIn), [['a'], ['b'], ['b']]);
  assert.equal(server.sessions.length, 2);
});

test('nobody listens: may be sent again, and the reason is named', async () => {
  const port = await findClosedPort();
  const batches = [batchOf('a')];
  const { unsent, error } = await create(port).exporter.export(batches, inAMinute());
  assert.equal(unsent, batches);
  assert.match(error ?? '', /ECONNREFUSED/);
});

test('a server that hangs: given up at the time limit, the call is cancelled, the next one works', async (t) => {
  const cancelled = Promise.withResolvers<number | undefined>();
  const server = await startGrpcServer(t, (call, index) => {
    if (index > 0) succeed(call);
    else call.stream.on('close', () => cancelled.resolve(call.stream.rstCode));
  });
  const { exporter } = create(server.port, { timeoutMs: 250 });
  const batches = [batchOf('a')];
  const { unsent, doubtful, error } = await exporter.export(batches, inAMinute());
  assert.equal(unsent, batches);
  assert.deepEqual(doubtful, batches);
  assert.match(error ?? '', /no answer within 2\d\d ms$/);
  assert.equal(await cancelled.promise, 8, 'CANCEL');
  assert.equal((await exporter.export(batches, inAMinute())).sentSpans, 1);
});

test('a connection that went silent without an end: given up once, and the next export takes another', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  const silence: (() => void)[] = [];
  const port = await startTcpServer(t, (socket) => {
    const onward = connect(server.port, '127.0.0.1');
    t.after(() => onward.destroy());
    socket.pipe(onward).pipe(socket);
    silence.push(() => {
      socket.unpipe(onward);
      onward.unpipe(socket);
      socket.resume();
    });
  });
  const { exporter } = create(port, { timeoutMs: 250 });
  const batches = [batchOf('a')];
  assert.equal((await exporter.export(batches, inAMinute())).sentSpans, 1);
  for (const stop of silence) stop();
  assert.match((await exporter.export(batches, inAMinute())).error ?? '', /no answer within 2\d\d ms$/);
  assert.equal((await exporter.export(batches, inAMinute())).sentSpans, 1);
});

test('an answer that breaks off before its status: nobody knows, and the spans wait', async (t) => {
  const server = await startGrpcServer(t, ({ stream }) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    stream.close(2);
  });
  const { unsent, doubtful, droppedSpans, error } = await create(server.port).exporter.export(
    [batchOf('a')],
    inAMinute(),
  );
  assert.deepEqual([unsent?.length, doubtful?.length, droppedSpans], [1, 1, 0], error);
});

test('a server that takes the connection and says nothing', async (t) => {
  const port = await startTcpServer(t, () => {});
  const { unsent, error } = await create(port, { timeoutMs: 100 }).exporter.export([batchOf('a')], inAMinute());
  assert.equal(unsent?.length, 1);
  assert.match(error ?? '', /no answer within \d+ ms$/);
});

test('an HTTP/1.1 server is no gRPC endpoint: may be sent again, and the reason is named', async (t) => {
  const { port } = await startHttpServer(t, (_request, response) => response.end('hello'));
  const { unsent, error } = await create(port).exporter.export([batchOf('a')], inAMinute());
  assert.equal(unsent?.length, 1);
  assert.match(error ?? '', /Protocol error|PROTOCOL_ERROR|closed|ECONNRESET/);
});

test('an HTTP/2 server that knows no gRPC is told of', async (t) => {
  const server = await startGrpcServer(t, ({ stream }) => stream.respond({ ':status': 404 }, { endStream: true }));
  const { droppedSpans, error } = await create(server.port).exporter.export([batchOf('a')], inAMinute());
  assert.equal(droppedSpans, 1);
  assert.match(error ?? '', /answered HTTP 404 without a gRPC status: is this a gRPC endpoint\?$/);
});

test('a load balancer without a server behind it: tried again', async (t) => {
  const server = await startGrpcServer(t, (call, index) =>
    index === 0 ? call.stream.respond({ ':status': 503 }, { endStream: true }) : succeed(call),
  );
  assert.equal((await create(server.port).exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);
});

test('a header that HTTP/2 does not allow is told of without its value', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  const { exporter } = create(server.port, { headers: { 'x key': 'hunter2' } });
  const { unsent, error } = await exporter.export([batchOf('a')], inAMinute());
  assert.equal(unsent?.length, 1);
  assert.doesNotMatch(error ?? '', /hunter2/);
});

async function startTunnels(t: TestContext): Promise<{ port: number; asked: string[]; authorizations: unknown[] }> {
  const asked: string[] = [];
  const authorizations: unknown[] = [];
  const open = new Set<Socket>();
  const server = createHttpServer();
  server.on('connect', (request, socket: Socket) => {
    asked.push(request.url!);
    authorizations.push(request.headers['proxy-authorization']);
    const [host, port] = request.url!.split(':') as [string, string];
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) open.add(end.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked, authorizations };
}

test('TLS with a private CA, directly and through a proxy', async (t) => {
  const made = makeCertificates(t);
  if (made === undefined) return t.skip('there is no openssl on this machine to make certificates with');
  const server = await startGrpcServer(t, (call) => succeed(call), made.server);
  const url = `https://127.0.0.1:${server.port}`;
  const tls = {
    certificateFile: made.ca.certFile,
    certificateBase64: undefined,
    clientCertificateFile: undefined,
    clientKeyFile: undefined,
    isServerVerified: true,
  };
  const untrusted = await create(server.port, { url }).exporter.export([batchOf('a')], inAMinute());
  assert.equal(untrusted.unsent?.length, 1);
  assert.match(untrusted.error ?? '', /certificate/);
  assert.equal((await create(server.port, { url, tls }).exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);

  const proxy = await startTunnels(t);
  const proxyEnv = { https_proxy: `http://user:p%40ss@127.0.0.1:${proxy.port}` };
  const { exporter } = create(server.port, { url, tls, proxyEnv });
  for (let i = 0; i < 2; i++) assert.equal((await exporter.export([batchOf('b')], inAMinute())).sentSpans, 1);
  assert.deepEqual(proxy.asked, [`127.0.0.1:${server.port}`], 'one tunnel for both calls');
  assert.deepEqual(proxy.authorizations, [`Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
});

test('without TLS through a proxy, and past it', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  const proxy = await startTunnels(t);
  const http_proxy = `http://127.0.0.1:${proxy.port}`;
  const proxied = create(server.port, { proxyEnv: { http_proxy } });
  assert.equal((await proxied.exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);
  assert.equal(proxy.asked.length, 1);
  const direct = create(server.port, { proxyEnv: { http_proxy, no_proxy: '127.0.0.1' } });
  assert.equal((await direct.exporter.export([batchOf('a')], inAMinute())).sentSpans, 1);
  assert.equal(proxy.asked.length, 1);
});

for (const [what, answer] of [
  ['refuses', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
  ['hangs', ''],
] as const) {
  test(`a proxy that ${what}: may be sent again, without the proxy’s password in the reason`, async (t) => {
    const port = await startTcpServer(t, (socket) => void (answer && socket.end(answer)));
    const proxyEnv = { http_proxy: `http://user:hunter2@127.0.0.1:${port}` };
    const { exporter } = create(9, { proxyEnv, timeoutMs: 200 });
    const { unsent, error } = await exporter.export([batchOf('a')], inAMinute());
    assert.equal(unsent?.length, 1);
    assert.match(error ?? '', new RegExp(`the proxy 127.0.0.1:${port} (answered 403|did not answer)`));
    assert.doesNotMatch(error ?? '', /hunter2/);
  });
}

test('a connection that is kept does not hold the process', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  const { code, stdout, stderr } = await runModule(`
    import { createOtlpGrpcExporter } from ${JSON.stringify(sourceUrl('instrumentation/export/otlp/grpc-exporter.ts'))};
    import { buildSpan } from ${JSON.stringify(sourceUrl('test/instrumentation/span-builder.ts'))};
    const exporter = createOtlpGrpcExporter({ url: 'http://127.0.0.1:${server.port}', headers: {}, timeoutMs: 60000, compression: 'none' });
    console.log(JSON.stringify(await exporter.export([{ spans: [buildSpan()] }], Date.now() + 60000)));
  `);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '{"sentSpans":1,"droppedSpans":0}\n' }, stderr);
});
