// Where the built layer sends spans, by settings: every protocol, TLS, secrets, signatures, records in the log.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodeProtobufTraces } from '../../local/sinks/otlp-messages.ts';
import { openOtlpSink, spansOf } from '../../local/sinks/otlp-sink.ts';
import { assertSigned } from '../support/aws-signature.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startFunction } from '../support/function-under-test.ts';
import { startGrpcServer, succeed } from '../support/grpc-server.ts';
import { startHttpServer } from '../support/http-server.ts';

const ECHO = { 'index.mjs': 'export const handler = async (event) => ({ echo: event });' };
const PHASES = ['Initialization', 'Invocation', 'Overhead'];
const UNSAMPLED = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=0';

const phasesIn = (spans: readonly { readonly name: string }[]): string[] =>
  spans.map(({ name }) => name).filter((name) => PHASES.includes(name));

test('HTTP with JSON', async () => {
  await using fn = await startFunction({ files: ECHO, environment: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' } });
  await fn.invoke({});
  assert.deepEqual(phasesIn(fn.otlp.spans).sort(), PHASES);
  assert.equal(fn.otlp.requests[0]?.headers['content-type'], 'application/json');
  assert.deepEqual(fn.emulator.logs, []);
});

test('gzip, headers of both kinds, and the ids that X-Ray has', async () => {
  await using fn = await startFunction({
    files: ECHO,
    environment: {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=shop,x-key=general',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=traces',
    },
  });
  await fn.invoke({});
  const [request] = fn.otlp.requests;
  assert.equal(request?.headers['content-encoding'], 'gzip');
  assert.deepEqual([request?.headers['x-team'], request?.headers['x-key']], ['shop', 'traces']);
  const drawn = new Map(fn.xray.documents.map(({ name, id }) => [name, id]));
  for (const span of fn.otlp.spans) if (PHASES.includes(span.name)) assert.equal(span.spanId, drawn.get(span.name));
});

test('gRPC', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `127.0.0.1:${server.port}`,
      OTEL_EXPORTER_OTLP_INSECURE: 'true',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    },
  });
  for (const n of [1, 2]) await fn.invoke({ n });
  assert.deepEqual(fn.emulator.logs, []);
  assert.deepEqual(phasesIn(server.calls.flatMap(({ spans }) => spans)).sort(), [
    ...PHASES.slice(0, 1),
    'Invocation',
    'Invocation',
    'Overhead',
    'Overhead',
  ]);
  assert.equal(server.sessions.length, 1);
});

test('gRPC and freezes: a connection that the server dropped meanwhile is replaced', async (t) => {
  const server = await startGrpcServer(t, (call) => succeed(call));
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    freeze: true,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    },
  });
  for (const n of [1, 2, 3]) {
    await fn.invoke({ n });
    await fn.emulator.waitFor(() => fn.emulator.isFrozen, { what: 'the freeze' });
    server.sessions.at(-1)!.destroy();
  }
  assert.equal(phasesIn(server.calls.flatMap(({ spans }) => spans)).filter((name) => name === 'Invocation').length, 3);
  assert.deepEqual(fn.emulator.logs, []);
});

test('HTTPS with a private CA, as base64', async (t) => {
  const made = makeCertificates(t);
  if (made === undefined) return t.skip('there is no openssl on this machine to make certificates with');
  await using sink = await openOtlpSink({ tls: made.server });
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      SPANSTRAP_OTLP_CERTIFICATE_BASE64: Buffer.from(made.ca.cert).toString('base64'),
    },
  });
  await fn.invoke({});
  assert.deepEqual(phasesIn(sink.spans).sort(), PHASES);
});

test('a CA file that is not there: one line, and X-Ray goes on', async () => {
  await using fn = await startFunction({ files: ECHO, environment: { OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/ca.pem' } });
  for (const n of [1, 2]) assert.equal((await fn.invoke({ n })).status, 'success');
  assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 2);
  assert.equal(fn.emulator.logs.length, 1);
  assert.match(fn.emulator.logs[0]!, /the CA file \/no\/ca\.pem cannot be read: ENOENT/);
});

/** The credentials that the emulator gives functions. */
const KEY_ID = 'LOCALEMULATORKEY';
const SECRET_ACCESS_KEY = 'local-emulator-secret';

/** A Secrets Manager that checks signatures and gives out one secret. */
function startSecretsManager(t: TestContext, secret: string): ReturnType<typeof startHttpServer> {
  return startHttpServer(t, (request, response) => {
    const signer = { secretAccessKey: SECRET_ACCESS_KEY, region: 'eu-west-1', service: 'secretsmanager' };
    try {
      assertSigned(request, signer);
      response.end(JSON.stringify({ SecretString: secret }));
    } catch (error) {
      response.writeHead(403).end(JSON.stringify({ __type: 'InvalidSignatureException', message: String(error) }));
    }
  });
}

test('headers out of Secrets Manager: asked for during init, once; sent with every export, seen nowhere else', async (t) => {
  const manager = await startSecretsManager(t, '{"authorization":"Bearer hunter2"}');
  await using fn = await startFunction({
    files: { 'index.mjs': 'console.log("loaded"); export const handler = async () => process.env;' },
    environment: {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${manager.port}`,
      SPANSTRAP_OTLP_HEADERS_SECRET: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:otlp-AbCdEf',
    },
  });
  for (const n of [1, 2]) assert.doesNotMatch((await fn.invoke({ n })).text, /hunter2/);
  assert.equal(manager.requests.length, 1);
  for (const { headers } of fn.otlp.requests) assert.equal(headers.authorization, 'Bearer hunter2');
  assert.doesNotMatch(JSON.stringify([fn.otlp.spans, fn.xray.documents, fn.emulator.logs]), /hunter2/);
});

test('a secret that cannot be had: one line, the spans wait, X-Ray goes on', async (t) => {
  const manager = await startHttpServer(t, (_request, response) =>
    response.writeHead(400).end('{"__type":"AccessDeniedException"}'),
  );
  await using fn = await startFunction({
    files: ECHO,
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${manager.port}`,
      SPANSTRAP_OTLP_HEADERS_SECRET: 'arn:aws:ssm:eu-west-1:123456789012:parameter/otlp',
    },
  });
  for (const n of [1, 2]) assert.equal((await fn.invoke({ n })).status, 'success');
  assert.equal(fn.otlp.requests.length, 0);
  assert.equal(manager.requests.length, 2, 'asked again at the second flush');
  assert.equal(fn.emulator.logs.length, 1);
  assert.match(fn.emulator.logs[0]!, /parameter\/otlp: ssm answered 400, AccessDeniedException/);
});

test('signed for X-Ray', async () => {
  await using fn = await startFunction({
    files: ECHO,
    environment: { SPANSTRAP_OTLP_SIGV4: 'true', SPANSTRAP_OTLP_SIGV4_REGION: 'eu-central-1' },
  });
  await fn.invoke({});
  const [request] = fn.otlp.requests;
  const signer = { secretAccessKey: SECRET_ACCESS_KEY, region: 'eu-central-1', service: 'xray' };
  assert.equal(assertSigned({ method: 'POST', ...request! }, signer), KEY_ID);
});

type Record = { readonly payload: string; readonly source: string; readonly headers?: object; readonly level?: string };

/** The records of Lambda OTel Lite among the lines of a log. */
const recordsIn = (lines: readonly string[]): Record[] =>
  lines.filter((line) => line.startsWith('{"__otel_otlp_stdout":')).map((line) => JSON.parse(line) as Record);
const spansIn = ({ payload }: Record) =>
  spansOf(decodeProtobufTraces(gunzipSync(Buffer.from(payload, 'base64'))).resourceSpans);

test('records of Lambda OTel Lite, with headers and level, in the log of either format', async () => {
  for (const AWS_LAMBDA_LOG_FORMAT of ['Text', 'JSON']) {
    await using fn = await startFunction({
      files: ECHO,
      otlp: false,
      environment: {
        AWS_LAMBDA_LOG_FORMAT,
        AWS_LAMBDA_LOG_LEVEL: 'FATAL',
        OTEL_TRACES_EXPORTER: 'otlp-stdout',
        OTEL_SERVICE_NAME: 'orders',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7',
        OTLP_STDOUT_SPAN_EXPORTER_LOG_LEVEL: 'info',
      },
    });
    await fn.invoke({});
    const [record, ...others] = recordsIn(fn.emulator.logs);
    assert.equal(others.length, 0);
    assert.deepEqual([record?.source, record?.headers, record?.level], ['orders', { 'x-tenant': '7' }, 'INFO']);
    assert.deepEqual(phasesIn(spansIn(record!)).sort(), PHASES);
    assert.equal(fn.xray.datagrams.length, 0);
  }
});

test('spans for people, indented as a tree', async () => {
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    environment: { OTEL_TRACES_EXPORTER: 'xray,console' },
  });
  await fn.invoke({});
  const lines = fn.emulator.logs.filter((line) => line.trimStart().startsWith('span '));
  assert.match(lines[0]!, /^span test-function SERVER \d+\.\d{3} ms trace=/);
  for (const phase of PHASES)
    assert.ok(
      lines.some((line) => line.startsWith(`  span ${phase} INTERNAL `)),
      phase,
    );
  assert.equal(fn.xray.documents.length, 3);
});

test('a backend that refuses: the spans are in the log, unless X-Ray has them; the key of the export is not', async () => {
  await using fn = await startFunction({
    files: ECHO,
    environment: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2' },
  });
  fn.otlp.answerWith({ status: 401 });
  await fn.invoke({});
  assert.equal(recordsIn(fn.emulator.logs).length, 0);
  await fn.invoke({}, { traceHeader: UNSAMPLED });
  const records = recordsIn(fn.emulator.logs);
  assert.equal(records.length, 1);
  assert.deepEqual(phasesIn(spansIn(records[0]!)).sort(), ['Invocation', 'Overhead']);
  assert.doesNotMatch(fn.emulator.logs.join('\n'), /hunter2/);
});

test('a backend that is down until the end: what waits for it is in the log', async () => {
  await using fn = await startFunction({ files: ECHO });
  fn.otlp.answerWith({ status: 503 });
  for (const n of [1, 2]) await fn.invoke({ n }, { traceHeader: UNSAMPLED });
  assert.equal(recordsIn(fn.emulator.logs).length, 0);
  await fn.emulator.shutdown('spindown');
  const names = recordsIn(fn.emulator.logs).flatMap((record) => phasesIn(spansIn(record)));
  assert.deepEqual(names.sort(), ['Initialization', 'Invocation', 'Invocation', 'Overhead', 'Overhead']);
});

test('one destination that hangs starves no other', async (t) => {
  const hanging = await startHttpServer(t, () => {});
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    environment: {
      OTEL_TRACES_EXPORTER: 'xray,otlp,otlp-stdout,console',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${hanging.port}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '150',
    },
  });
  for (const n of [1, 2]) assert.equal((await fn.invoke({ n })).status, 'success');
  assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 2);
  assert.equal(recordsIn(fn.emulator.logs).length, 2);
  assert.equal(fn.emulator.logs.filter((line) => line.startsWith('  span Invocation ')).length, 2);
});

test('the settings file of the Rust extension', async () => {
  const sink = await openOtlpSink();
  await using _sink = sink;
  await using fn = await startFunction({
    otlp: false,
    files: {
      ...ECHO,
      'otel-extension.toml': `[exporter]\nendpoint = "${sink.url}"\ncompression = "gzip"\n[exporter.headers]\nx-key = "from the file"\n`,
    },
  });
  await fn.invoke({});
  assert.deepEqual(phasesIn(sink.spans).sort(), PHASES);
  assert.deepEqual(
    [sink.requests[0]?.headers['content-encoding'], sink.requests[0]?.headers['x-key']],
    ['gzip', 'from the file'],
  );
  assert.deepEqual(fn.emulator.logs, []);
});

test('F170: what is set of how spans leave stands in the resource, by the names of Lambda OTel Lite; X-Ray has none of it', async () => {
  const set = { LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE: 'async', LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE: '1024' };
  const echo = {
    'lambda_otel_lite.extension.span_processor_mode': 'async',
    'lambda_otel_lite.lambda_span_processor.queue_size': 1024,
  };
  for (const [environment, expected] of [
    [set, echo],
    [{}, {}],
  ] as const) {
    await using fn = await startFunction({ files: ECHO, environment });
    await fn.invoke({});
    assert.deepEqual(phasesIn(fn.otlp.spans).sort(), PHASES);
    for (const { resource } of fn.otlp.spans) {
      const echoed = Object.entries(resource).filter(([name]) => name.startsWith('lambda_otel_lite'));
      assert.deepEqual(Object.fromEntries(echoed), expected);
    }
    assert.ok(fn.xray.documents.length > 0);
    assert.doesNotMatch(JSON.stringify(fn.xray.documents), /lambda_otel_lite/);
  }
});

test('settings that cannot be used: one line each, of which none shows a secret, and everything goes on', async () => {
  await using fn = await startFunction({
    files: ECHO,
    environment: {
      SPANSTRAP_XRAY_MODES: 'attach',
      SPANSTRAP_OTLP_SIGV4: 'perhaps',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_EXPORTER_OTLP_HEADERS: 'hunter2',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon',
    },
  });
  for (const n of [1, 2]) assert.equal((await fn.invoke({ n })).status, 'success');
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 2);
  const lines = fn.emulator.logs.map((line) => line.replace(/^.*\tWARN\t/, ''));
  assert.deepEqual(lines.toSorted(), [
    'spanstrap: OTEL_EXPORTER_OTLP_HEADERS is a value that is not shown, which is not key=value,key=value; the default is used',
    'spanstrap: OTEL_EXPORTER_OTLP_PROTOCOL is "carrier-pigeon", which is not http/protobuf, http/json, grpc; the default "http/protobuf" is used',
    `spanstrap: OTEL_TRACES_SAMPLER is "sometimes", which is not ${SAMPLERS}; the default "always_on" is used`,
    'spanstrap: SPANSTRAP_OTLP_SIGV4 is "perhaps", which is not auto, true, false; the default "auto" is used',
    'spanstrap: SPANSTRAP_XRAY_MODES is no setting of spanstrap; did you mean SPANSTRAP_XRAY_MODE?',
  ]);
});

const SAMPLERS =
  'always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio, xray';

test('the own log level silences spanstrap, not the function', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => console.warn("mine");' },
    environment: { SPANSTRAP_LOG_LEVEL: 'none', SPANSTRAP_NO_SUCH_THING: '1' },
  });
  fn.otlp.answerWith({ status: 400 });
  await fn.invoke({});
  assert.equal(fn.emulator.logs.length, 1);
  assert.match(fn.emulator.logs[0]!, /\tWARN\tmine$/);
});

test('the limits of spans are OpenTelemetry’s', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { trace } from '@opentelemetry/api';
        export const handler = async () => {
          const span = trace.getTracer('t').startSpan('limited');
          for (const key of ['a', 'b', 'c']) span.setAttribute(key, 'x'.repeat(100));
          span.addEvent('one').addEvent('two').end();
        };`,
    },
    packages: ['@opentelemetry/api'],
    environment: {
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '2',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '1',
      OTEL_SPAN_LINK_COUNT_LIMIT: 'many',
    },
  });
  await fn.invoke({});
  const span = fn.otlp.spans.find(({ name }) => name === 'limited')!;
  assert.deepEqual(span.flat, { a: 'x'.repeat(10), b: 'x'.repeat(10) });
  assert.equal(span.droppedAttributesCount, 1);
  assert.deepEqual(
    span.events?.map(({ name }) => name),
    ['two'],
  );
  assert.equal(fn.emulator.logs.length, 1);
  assert.match(fn.emulator.logs[0]!, /OTEL_SPAN_LINK_COUNT_LIMIT is "many", which is not a number from 0 to 1000000/);
});
