// Functions whose own OpenTelemetry SDK traces AWS and databases: what it traces is not traced a second time, what it leaves out is.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AwsStub } from './aws-stub.ts';
import { provideClientPackages } from './client-packages.ts';
import { DATABASE, PASSWORD, type Provided, provideDatabase, USER } from './database-servers.ts';
import { callsOf, clientSpans, HEADER, startFunctionWith, TRACE_ID } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const stub = new AwsStub();
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let postgres: Provided;

before(async () => {
  await stub.open(scope);
  packages = await provideClientPackages();
  postgres = await provideDatabase(scope, 'postgres');
});
after(async () => {
  for (const work of cleanUp) await work();
});

const FUNCTION = readFileSync(new URL('functions/own-instrumentations.cjs', import.meta.url), 'utf8');
const select = `SELECT ${DATABASE}`;

type Case = {
  readonly instrumentations: readonly string[];
  /** Without those of the database's connection. */
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
};

const CASES: Readonly<Record<string, Case>> = {
  none: { instrumentations: [], theirs: [], ours: ['DynamoDB.GetItem', select] },
  AWS: { instrumentations: ['aws'], theirs: ['DynamoDB.GetItem'], ours: [select] },
  'AWS, without its requests': {
    instrumentations: ['aws without its requests'],
    theirs: ['DynamoDB.GetItem'],
    ours: [select],
  },
  'AWS and HTTP': { instrumentations: ['aws', 'http'], theirs: ['POST', 'DynamoDB.GetItem'], ours: [select] },
  PostgreSQL: { instrumentations: ['pg'], theirs: [`pg.query:${select}`], ours: ['DynamoDB.GetItem'] },
};

for (const [name, { instrumentations, theirs, ours }] of Object.entries(CASES)) {
  test(`instrumentations of the function's own: ${name}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const isThere = 'port' in postgres;
    if ('missing' in postgres) t.diagnostic(`PostgreSQL is skipped: ${postgres.missing}`);
    const isTried = (span: string): boolean => isThere || !span.includes(select);
    await using fn = await startFunctionWith(packages.folder, {
      files: { 'index.js': FUNCTION },
      timeoutMs: 20_000,
      environment: { AWS_ENDPOINT_URL: stub.url, INSTRUMENTATIONS: JSON.stringify(instrumentations) },
    });
    stub.clear();
    const account = { host: '127.0.0.1', user: USER, password: PASSWORD, database: DATABASE };
    const expected = theirs.filter(isTried);
    const event = { expected: expected.length, ...('port' in postgres && { pg: { ...account, port: postgres.port } }) };
    const spans = (await fn.invoke(event, { traceHeader: HEADER })).json() as string[];
    assert.deepEqual(
      spans.filter((span) => span !== 'pg.connect'),
      expected,
      fn.emulator.logs.join('\n'),
    );
    assert.deepEqual(
      clientSpans(fn).map((span) => span.name),
      ours.filter(isTried),
    );
    assert.equal(callsOf(fn).length, ours.filter(isTried).length);
    assert.deepEqual(stub.faults, []);
    const { headers } = stub.calls[0]!;
    assert.match(String(headers['x-amzn-trace-id']), /Parent=[0-9a-f]{16};Sampled=1;Lineage=1:a87bd80c:0$/);
    // Where the user has requests suppressed, his SDK hands nothing on.
    if (!instrumentations.includes('aws without its requests')) {
      assert.match(String(headers.traceparent), new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    }
  });
}
