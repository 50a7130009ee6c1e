// The OTLP sink against OpenTelemetry's own serialiser, and its ways of being a bad collector.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:https';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { decodeProtobufTraces } from '../../../local/sinks/otlp-messages.ts';
import { type OtlpSink, openOtlpSink } from '../../../local/sinks/otlp-sink.ts';

const traceId = '5b8efff798038103d269b633813fc60c';

// The serialiser groups by identity: one object each.
const resource = {
  attributes: { 'service.name': 'orders' },
  getRawAttributes: () => [['service.name', 'orders']],
} as unknown as ReadableSpan['resource'];
const instrumentationScope = { name: 'shop', version: '1.2.3' };

function span(overrides: Partial<ReadableSpan> = {}): ReadableSpan {
  const attributes: Attributes = {
    'http.response.status_code': 200,
    'big.number': 2 ** 52,
    ratio: 0.25,
    cold: true,
    'url.path': '/orders/ü',
    list: ['a', 'b'],
    numbers: [1, 2],
  };
  return {
    name: 'GET /orders/{id}',
    kind: SpanKind.SERVER,
    spanContext: () => ({ traceId, spanId: 'eee19b7ec3c1b174', traceFlags: TraceFlags.SAMPLED }),
    parentSpanContext: { traceId, spanId: 'aaa19b7ec3c1b173', traceFlags: TraceFlags.SAMPLED, isRemote: true },
    startTime: [1_710_334_643, 120_001_001],
    endTime: [1_710_334_643, 340_500_000],
    duration: [0, 220_498_999],
    status: { code: SpanStatusCode.ERROR, message: 'no stock' },
    attributes,
    links: [
      {
        context: { traceId: traceId.replaceAll('5', '6'), spanId: '1112223334445556', traceFlags: 1 },
        attributes: { why: 'x' },
      },
    ],
    events: [
      {
        time: [1_710_334_643, 200_000_000],
        name: 'exception',
        attributes: { 'exception.type': 'Error' },
        droppedAttributesCount: 0,
      },
    ],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 1,
    droppedEventsCount: 2,
    droppedLinksCount: 3,
    ...overrides,
  };
}

const post = (sink: OtlpSink, body: Uint8Array | string, headers: Record<string, string>, path = '/v1/traces') =>
  fetch(`${sink.url}${path}`, { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers });

const protobuf = { 'Content-Type': 'application/x-protobuf' };

function expectDecoded(sink: OtlpSink): void {
  const [received] = sink.spans;
  assert.ok(received);
  assert.equal(received.traceId, traceId);
  assert.equal(received.spanId, 'eee19b7ec3c1b174');
  assert.equal(received.parentSpanId, 'aaa19b7ec3c1b173');
  assert.equal(received.name, 'GET /orders/{id}');
  assert.equal(received.kind, 2);
  assert.equal(received.startTimeUnixNano, '1710334643120001001');
  assert.equal(received.endTimeUnixNano, '1710334643340500000');
  assert.deepEqual(received.status, { code: 2, message: 'no stock' });
  assert.deepEqual(received.flat, {
    'http.response.status_code': 200,
    'big.number': 2 ** 52,
    ratio: 0.25,
    cold: true,
    'url.path': '/orders/ü',
    list: ['a', 'b'],
    numbers: [1, 2],
  });
  assert.deepEqual(received.resource, { 'service.name': 'orders' });
  assert.deepEqual([received.scope?.name, received.scope?.version], ['shop', '1.2.3']);
  assert.equal(received.events?.[0]?.name, 'exception');
  assert.equal(received.events?.[0]?.timeUnixNano, '1710334643200000000');
  assert.equal(received.links?.[0]?.traceId, traceId.replaceAll('5', '6'));
  assert.deepEqual(
    [received.droppedAttributesCount, received.droppedEventsCount, received.droppedLinksCount],
    [1, 2, 3],
  );
}

test("decodes what OpenTelemetry's protobuf serialiser writes", async () => {
  await using sink = await openOtlpSink();
  const response = await post(sink, ProtobufTraceSerializer.serializeRequest([span()])!, protobuf);
  assert.equal(response.status, 200);
  expectDecoded(sink);
});

test('decodes gzip and the JSON form to the same spans', async () => {
  await using zipped = await openOtlpSink();
  const bytes = ProtobufTraceSerializer.serializeRequest([span()])!;
  await post(zipped, gzipSync(bytes), { ...protobuf, 'Content-Encoding': 'gzip' });
  expectDecoded(zipped);
  await using json = await openOtlpSink();
  await post(json, JsonTraceSerializer.serializeRequest([span()])!, { 'Content-Type': 'application/json' });
  expectDecoded(json);
});

test('both decoders see the same request', () => {
  const spans = [span(), span({ name: 'second', attributes: {}, status: { code: SpanStatusCode.UNSET } })];
  const decoded = decodeProtobufTraces(ProtobufTraceSerializer.serializeRequest(spans)!);
  assert.deepEqual(
    decoded.resourceSpans[0]?.scopeSpans[0]?.spans.map((one) => one.name),
    ['GET /orders/{id}', 'second'],
  );
});

test('a body that is not OTLP is answered with 400 and kept', async () => {
  await using sink = await openOtlpSink();
  const response = await post(sink, 'hello', protobuf);
  assert.equal(response.status, 400);
  assert.match(sink.requests[0]?.error ?? '', /cannot be decoded/);
  assert.equal(sink.spans.length, 0);
});

test('metrics and logs are taken as bytes, other paths are 404', async () => {
  await using sink = await openOtlpSink();
  assert.equal((await post(sink, 'raw', protobuf, '/v1/metrics')).status, 200);
  assert.equal((await post(sink, 'raw', protobuf, '/v1/logs')).status, 200);
  assert.equal((await post(sink, 'raw', protobuf, '/v2/traces')).status, 404);
  assert.deepEqual(
    sink.requests.map((request) => [request.path, request.body.toString()]),
    [
      ['/v1/metrics', 'raw'],
      ['/v1/logs', 'raw'],
      ['/v2/traces', 'raw'],
    ],
  );
});

test('answers as it is told, and with 200 again afterwards', async () => {
  await using sink = await openOtlpSink();
  sink.answerWith({ status: 503, headers: { 'Retry-After': '1' }, body: 'full' });
  const refused = await post(sink, '', protobuf);
  assert.deepEqual([refused.status, refused.headers.get('retry-after'), await refused.text()], [503, '1', 'full']);
  sink.answerWith(undefined);
  assert.equal((await post(sink, '', protobuf)).status, 200);
});

test('holds requests until it is released, and wakes who waits for them', async () => {
  await using sink = await openOtlpSink();
  sink.hold();
  let isAnswered = false;
  const answer = post(sink, ProtobufTraceSerializer.serializeRequest([span()])!, protobuf).then((response) => {
    isAnswered = true;
    return response.status;
  });
  const seen = await sink.waitFor(({ spans }) => spans.find(({ kind }) => kind === 2), 'the server span');
  assert.equal(seen.name, 'GET /orders/{id}');
  assert.equal(isAnswered, false);
  sink.release();
  assert.equal(await answer, 200);
});

const pem = spawnSync(
  'openssl',
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout - -subj /CN=localhost'.split(' '),
  { encoding: 'utf8' },
);

test('speaks TLS when it is given a certificate', {
  skip: pem.status !== 0 && 'there is no openssl here',
}, async () => {
  const [key, cert] = ['PRIVATE KEY', 'CERTIFICATE'].map(
    (label) => new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----`).exec(pem.stdout)![0],
  );
  await using sink = await openOtlpSink({ tls: { key: key!, cert: cert! } });
  assert.match(sink.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  const status = await new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    request(`${sink.url}/v1/traces`, { method: 'POST', ca: cert, servername: 'localhost', headers, agent: false })
      .on('response', (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end('{"resourceSpans":[]}');
  });
  assert.equal(status, 200);
});

test('a wait in vain says what was waited for and what came instead', async () => {
  await using sink = await openOtlpSink();
  await post(sink, ProtobufTraceSerializer.serializeRequest([span()])!, protobuf);
  await assert.rejects(
    sink.waitFor(() => false, 'a span that never comes', 1),
    (error: Error) => /a span that never comes/.test(error.message) && /GET \/orders/.test(error.message),
  );
});
