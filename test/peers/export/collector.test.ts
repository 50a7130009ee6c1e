// OpenTelemetry's own Collector receives what our exporters send, by every transport, and what it understood is compared with what
// we meant, span by span.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createOtlpExporter, type OtlpExporterOptions } from '../../../instrumentation/export/otlp/exporter.ts';
import { createOtlpGrpcExporter } from '../../../instrumentation/export/otlp/grpc-exporter.ts';
import { createOtlpJsonExporter } from '../../../instrumentation/export/otlp/json-exporter.ts';
import type { TlsFiles } from '../../../instrumentation/export/otlp/tls.ts';
import { decodeProtobufTraces, type OtlpSpan } from '../../../local/sinks/otlp-messages.ts';
import { type OtlpSink, openOtlpSink, spansOf } from '../../../local/sinks/otlp-sink.ts';
import { buildSpan, END, ERROR, exceptionEvent, kinds, nextSpanId } from '../../instrumentation/span-builder.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { startFunction } from '../../support/function-under-test.ts';
import { makeFolder } from '../../support/temporary-folder.ts';
import { findFreePorts, startProgram } from './background-program.ts';
import { provideCollector } from './go-programs.ts';

const program = await provideCollector((text) => console.log(text));
const skip = 'missing' in program ? `skipped: ${program.missing}` : false;
if (skip) console.log(`OpenTelemetry Collector: ${skip}`);

type Ports = { readonly http: number; readonly grpc: number; readonly httpTls: number; readonly grpcTls: number };

let sink: OtlpSink;
let ports: Ports;
let certificates: Certificates | undefined;
const cleanUps: (() => unknown)[] = [];
const scope = { after: (work: () => unknown) => void cleanUps.unshift(work) };

const tlsLines = ({ certFile, keyFile }: Certificates['server']): string =>
  `\n          tls:\n            cert_file: ${certFile}\n            key_file: ${keyFile}`;

before(async () => {
  if ('missing' in program) return;
  sink = await openOtlpSink();
  scope.after(() => sink.close());
  certificates = makeCertificates(scope);
  const [http, grpc, httpTls, grpcTls] = (await findFreePorts(4)) as [number, number, number, number];
  ports = { http, grpc, httpTls, grpcTls };
  const secure =
    certificates === undefined
      ? ''
      : `
  otlp/tls:
    protocols:
      http:
          endpoint: 127.0.0.1:${httpTls}${tlsLines(certificates.server)}
      grpc:
          endpoint: 127.0.0.1:${grpcTls}${tlsLines(certificates.server)}`;
  const config = `
receivers:
  otlp:
    protocols:
      http:
          endpoint: 127.0.0.1:${http}
      grpc:
          endpoint: 127.0.0.1:${grpc}${secure}
exporters:
  otlphttp:
    endpoint: ${sink.url}
    sending_queue:
      enabled: false
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp${secure && ', otlp/tls'}]
      exporters: [otlphttp]
`;
  const file = `${makeFolder(scope, {})}/collector.yaml`;
  writeFileSync(file, config);
  await startProgram(
    scope,
    [program.path, `--config=file:${file}`],
    secure ? [http, grpc, httpTls, grpcTls] : [http, grpc],
  );
});

after(async () => {
  for (const work of cleanUps) await work();
});

/** Spans of every kind, with everything that OTLP has fields for; new ids each time. */
function makeSpans(): ReadableSpan[] {
  const root = nextSpanId();
  const resource = {
    'service.name': 'orders',
    'faas.max_memory': 134_217_728,
    'aws.log.group.names': ['/aws/lambda/x'],
  };
  return [
    buildSpan({
      name: 'GET /orders/{id} ☂ größer',
      id: root,
      kind: kinds.SERVER,
      parent: '53995c3f42cd8ad8',
      isParentRemote: true,
      resource,
      attributes: {
        text: '☂ \u0000 "quoted" \\',
        whole: -7,
        large: Number.MAX_SAFE_INTEGER,
        half: 0.5,
        tiny: 5e-324,
        yes: true,
        list: ['a', 'b'],
        mixed: [1, 'two', false],
        nested: { a: { b: [1, 2] } },
        bytes: Uint8Array.of(0, 255, 128),
        empty: '',
        none: [],
      },
      events: [exceptionEvent(new RangeError('too far')), { name: 'plain', time: END, droppedAttributesCount: 2 }],
      links: [{ context: { traceId: '9'.repeat(32), spanId: '8'.repeat(16), traceFlags: 1 }, attributes: { a: 1 } }],
      status: { code: ERROR, message: 'too far' },
      droppedAttributesCount: 3,
    }),
    ...Object.entries(kinds).map(([name, kind]) => buildSpan({ name, kind, parent: root, resource })),
    ...Array.from({ length: 200 }, (_, n) =>
      buildSpan({ name: `span ${n}`, parent: root, resource, attributes: { n, text: 'x'.repeat(500) } }),
    ),
  ];
}

const byId = (spans: readonly OtlpSpan[]): Map<string, OtlpSpan> => new Map(spans.map((span) => [span.spanId, span]));

/** What the official serializer says of them, read by our own decoder. */
const meant = (spans: ReadableSpan[]): Map<string, OtlpSpan> =>
  byId(spansOf(decodeProtobufTraces(ProtobufTraceSerializer.serializeRequest(spans)!).resourceSpans));

const make = { protobuf: createOtlpExporter, JSON: createOtlpJsonExporter, gRPC: createOtlpGrpcExporter };

for (const transport of ['protobuf', 'JSON', 'gRPC'] as const) {
  for (const compression of ['none', 'gzip'] as const) {
    for (const isSecure of [false, true]) {
      const what = `${transport}, compression ${compression}, ${isSecure ? 'TLS with a private CA' : 'no TLS'}`;
      test(`the Collector understands: ${what}`, { skip }, async (t) => {
        if (isSecure && certificates === undefined) {
          return t.skip('there is no openssl on this machine to make certificates with');
        }
        const isGrpc = transport === 'gRPC';
        const port = isGrpc ? (isSecure ? ports.grpcTls : ports.grpc) : isSecure ? ports.httpTls : ports.http;
        const tls: TlsFiles = {
          certificateFile: certificates?.ca.certFile,
          certificateBase64: undefined,
          clientCertificateFile: undefined,
          clientKeyFile: undefined,
          isServerVerified: true,
        };
        const options: OtlpExporterOptions = {
          url: `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}${isGrpc ? '' : '/v1/traces'}`,
          headers: { 'x-key': 'value' },
          timeoutMs: 10_000,
          compression,
          ...(isSecure && { tls }),
        };
        const spans = makeSpans();
        sink.clear();
        const batch = { spans, xray: undefined, isSampledForOtlp: true };
        const outcome = await make[transport](options).export([batch], Date.now() + 10_000);
        assert.deepEqual(outcome, { sentSpans: spans.length, droppedSpans: 0 });
        await sink.waitFor((found) => found.spans.length >= spans.length, 'the spans from the Collector');
        const received = byId(sink.spans);
        const expected = meant(spans);
        assert.equal(received.size, expected.size);
        for (const [id, span] of expected) assert.deepEqual(received.get(id), span);
        assert.deepEqual(sink.spans[0]?.scope?.name, 'test');
      });
    }
  }
}

test('numbers that JSON has no form for: with the official serializer alone they cost the request, here they are texts', {
  skip,
}, async () => {
  const attributes = { nan: Number.NaN, infinite: Number.POSITIVE_INFINITY, huge: 1e300, beyond: 2 ** 63, fine: 7 };
  const span = buildSpan({ name: 'odd numbers', attributes });
  const url = `http://127.0.0.1:${ports.http}/v1/traces`;
  const plain = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JsonTraceSerializer.serializeRequest([span])!,
  });
  assert.equal(plain.status, 400, await plain.text());
  const exporter = createOtlpJsonExporter({ url, headers: {}, timeoutMs: 10_000, compression: 'none' });
  sink.clear();
  const batch = { spans: [span], xray: undefined, isSampledForOtlp: true };
  assert.equal((await exporter.export([batch], Date.now() + 10_000)).sentSpans, 1);
  await sink.waitFor(({ spans }) => spans.length === 1, 'the span from the Collector');
  const expected = { nan: 'NaN', infinite: 'Infinity', huge: '1e+300', beyond: '9223372036854776000', fine: 7 };
  assert.deepEqual(sink.spans[0]?.flat, expected);
});

test('what the Collector refuses is told with its own words', { skip }, async () => {
  const exporter = createOtlpExporter({
    url: `http://127.0.0.1:${ports.http}/v1/no-such-signal`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
  });
  const batch = { spans: makeSpans(), xray: undefined, isSampledForOtlp: true };
  const outcome = await exporter.export([batch], Date.now() + 10_000);
  assert.equal(outcome.droppedSpans, batch.spans.length);
  assert.match(outcome.error ?? '', /answered 404/);
});

for (const protocol of ['http/protobuf', 'http/json', 'grpc'] as const) {
  test(`a function of the built layer, by ${protocol}: the Collector has the spans that X-Ray has`, {
    skip,
  }, async () => {
    sink.clear();
    const port = protocol === 'grpc' ? ports.grpc : ports.http;
    await using fn = await startFunction({
      files: {
        'index.mjs': `import { trace } from '@opentelemetry/api';
          export const handler = async () => trace.getTracer('t').startActiveSpan('reserve', (span) => { span.end(); return 1; });`,
      },
      packages: ['@opentelemetry/api'],
      otlp: false,
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      },
    });
    await fn.invoke({});
    await sink.waitFor(({ spans }) => spans.some(({ name }) => name === 'Overhead'), 'the last phase');
    const received = byId(sink.spans);
    const [invocation] = fn.xray.documents.filter(({ name }) => name === 'Invocation');
    assert.equal(received.get(invocation!.id)?.name, 'Invocation');
    assert.equal(received.get(invocation!.subsegments![0]!.id)?.name, 'reserve');
    assert.deepEqual(fn.emulator.logs, []);
  });
}
