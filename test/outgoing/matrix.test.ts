// Every kind of call from every shape of function: each cell is a real call and its span, in both drawings, once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import { AwsStub } from './aws-stub.ts';
import { provideClientPackages } from './client-packages.ts';
import { DATABASE, PASSWORD, type Provided, provideDatabase, USER } from './database-servers.ts';
import { type FunctionShape, shapesOf } from './function-shapes.ts';
import {
  callsOf,
  clientSpans,
  type Downstream,
  HEADER,
  invocationOf,
  startDownstream,
  startFunctionWith,
  TRACE_ID,
} from './outgoing-stand.ts';

type Expectation = {
  /** Name of the OTLP span and of the X-Ray subsegment. */
  readonly names: readonly [otlp: string, xray: string];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 3: CLIENT, 4: PRODUCER. */
  readonly kind?: 4;
  readonly wire: 'http' | 'aws' | 'database';
  /** How many spans one call makes. */
  readonly spans?: number;
};

const http = (method: string): Expectation => ({
  names: [method, '127.0.0.1'],
  attributes: { 'http.request.method': method, 'http.response.status_code': 200, 'http.response.body.size': 11 },
  wire: 'http',
});
const aws = (service: string, operation: string, attributes: object, kind?: 4): Expectation => ({
  names: [`${service}.${operation}`, service],
  attributes: {
    'rpc.system': 'aws-api',
    'rpc.service': service,
    'rpc.method': operation,
    'cloud.region': 'eu-west-1',
    'aws.request_id': 'request-1',
    'http.response.status_code': 200,
    ...attributes,
  },
  wire: 'aws',
  ...(kind && { kind }),
});
const sql = (system: string, xrayHost: string): Expectation => ({
  names: [`SELECT ${DATABASE}`, `${DATABASE}@${xrayHost}`],
  attributes: {
    'db.system.name': system,
    'db.namespace': DATABASE,
    'db.query.text': 'SELECT ? AS count, ? AS text',
  },
  wire: 'database',
});

const EXPECTED: Readonly<Record<string, Expectation>> = {
  http: http('GET'),
  https: { ...http('PUT'), names: ['PUT', 'localhost'] },
  fetch: { ...http('POST') },
  'undici.request': http('GET'),
  'DynamoDB.GetItem': aws('DynamoDB', 'GetItem', { 'aws.dynamodb.table_names': ['stock'] }),
  'S3.GetObject': aws('S3', 'GetObject', { 'aws.s3.bucket': 'photos', 'aws.s3.key': 'b 7.jpg' }),
  'SQS.SendMessage': aws(
    'SQS',
    'SendMessage',
    { 'messaging.system': 'aws_sqs', 'messaging.destination.name': 'parcels' },
    4,
  ),
  'SNS.Publish': aws('SNS', 'Publish', { 'messaging.system': 'aws.sns', 'messaging.destination.name': 'orders' }, 4),
  'Lambda.Invoke': aws('Lambda', 'Invoke', { 'faas.invoked_name': 'billing' }),
  'EventBridge.PutEvents': aws('EventBridge', 'PutEvents', {}, 4),
  pg: sql('postgresql', '127.0.0.1'),
  mysql2: sql('mysql', '127.0.0.1'),
  redis: {
    names: ['SET', '127.0.0.1'],
    attributes: { 'db.system.name': 'redis', 'db.query.text': 'SET sku:b-7 ?' },
    wire: 'database',
  },
};

const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const cleanUp: (() => unknown)[] = [];
const stub = new AwsStub();
const table = new Map<string, Record<string, string>>();
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let downstream: Downstream;
let databases: Record<'postgres' | 'mariadb' | 'redis', Provided>;
let shapes: FunctionShape[] = [];

before(async () => {
  packages = await provideClientPackages();
  downstream = await startDownstream(scope);
  await stub.open(scope);
  const [postgres, mariadb, redis] = await Promise.all([
    provideDatabase(scope, 'postgres'),
    provideDatabase(scope, 'mariadb'),
    provideDatabase(scope, 'redis'),
  ]);
  databases = { postgres, mariadb, redis };
  if (!('folder' in packages)) return;
  shapes = await shapesOf(fileURLToPath(new URL('functions/matrix.mjs', import.meta.url)), packages.folder);
});

after(async () => {
  for (const work of cleanUp) await work();
});

const portOf = (provided: Provided): number => ('port' in provided ? provided.port : 0);

const event = (client: string): object => ({
  client,
  url: downstream.url,
  httpsUrl: downstream.tls?.url,
  queueUrl: `${stub.url}/123456789012/parcels`,
  pg: { host: '127.0.0.1', port: portOf(databases.postgres), user: USER, password: PASSWORD, database: DATABASE },
  mysql: { host: '127.0.0.1', port: portOf(databases.mariadb), user: USER, password: PASSWORD, database: DATABASE },
  redis: `redis://127.0.0.1:${portOf(databases.redis)}`,
});

/** Why a column cannot be tried here; undefined: it can. */
function missingFor(client: string): string | undefined {
  if (client === 'https' && downstream.tls === undefined) return 'there is no openssl';
  const needed = { pg: databases.postgres, mysql2: databases.mariadb, redis: databases.redis }[client];
  return needed !== undefined && 'missing' in needed ? needed.missing : undefined;
}

async function tryCell(fn: FunctionUnderTest, client: string): Promise<void> {
  const { names, attributes, kind = 3, wire, spans: count = 1 } = EXPECTED[client]!;
  fn.xray.clear();
  fn.otlp.clear();
  stub.clear();
  downstream.received.length = 0;
  const result = await fn.invoke(event(client), { traceHeader: HEADER });
  assert.equal(result.json(), client, `${client}: ${stub.faults} ${String(fn.emulator.logs.at(-1)).slice(0, 1000)}`);

  const spans = clientSpans(fn);
  assert.deepEqual(
    spans.map(({ name }) => name),
    Array.from({ length: count }, () => names[0]),
    client,
  );
  const span = spans[0]!;
  assert.equal(span.kind, kind);
  assert.equal(span.traceId, TRACE_ID);
  for (const [key, value] of Object.entries(attributes)) assert.deepEqual(span.flat[key], value, `${client}: ${key}`);
  assert.doesNotMatch(JSON.stringify(span.flat), /secret-literal/);

  const calls = callsOf(fn);
  assert.deepEqual(
    calls.map(({ name }) => name),
    [names[1]],
    `${client} in X-Ray`,
  );
  assert.equal(calls[0]!.id, span.spanId);
  assert.equal(calls[0]!.namespace, wire === 'aws' ? 'aws' : 'remote');
  assert.equal(span.parentSpanId, invocationOf(fn).id);
  assert.deepEqual(fn.xray.violations, []);

  const sent = wire === 'http' ? downstream.received : stub.calls;
  if (wire === 'database') return;
  assert.equal(sent.length, 1);
  assert.equal(sent[0]!.headers.traceparent, `00-${TRACE_ID}-${span.spanId}-01`, client);
  assert.equal(sent[0]!.headers['x-amzn-trace-id'], HEADER.replace('53995c3f42cd8ad8', span.spanId));
  assert.deepEqual(stub.faults, []);
}

for (const [index, name] of ['require', 'import', 'esbuild CJS', 'esbuild ESM', 'esbuild minified'].entries()) {
  test(`the row "${name}" of the matrix`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const { file, isBundled } = shapes[index]!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
      environment: {
        AWS_ENDPOINT_URL: stub.url,
        ...(downstream.tls && { NODE_EXTRA_CA_CERTS: downstream.tls.caFile }),
      },
    });
    const row: Record<string, string> = {};
    table.set(name, row);
    for (const client of Object.keys(EXPECTED)) {
      const missing = missingFor(client);
      row[client] = missing === undefined ? '-' : 'skipped';
      if (missing !== undefined) t.diagnostic(`${client} is skipped: ${missing}`);
      else
        await t.test(client, async () => {
          await tryCell(fn, client);
          row[client] = 'ok';
        });
    }
  });
}

test('the matrix', (t) => {
  if (table.size === 0) return t.skip('nothing could be tried');
  const columns = Object.keys(EXPECTED);
  const width = Math.max(...columns.map(({ length }) => length));
  const shapeNames = [...table.keys()];
  const cell = (text: string, size: number): string => text.padEnd(size);
  const lines = [
    ['', ...shapeNames].map((text, at) => cell(text, at === 0 ? width : shapeNames[at - 1]!.length)).join('  '),
    ...columns.map((client) =>
      [cell(client, width), ...shapeNames.map((name) => cell(table.get(name)![client] ?? '-', name.length))].join('  '),
    ),
  ];
  for (const line of lines) t.diagnostic(line);
  assert.equal(shapeNames.length, shapes.length);
  for (const [name, row] of table) {
    for (const client of columns) assert.match(row[client] ?? '', /^(?:ok|skipped)$/, `${client} from ${name}`);
  }
});
