// Calls of real databases: with clients that can be reached, and with all of them in one minified bundle.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { provideClientPackages } from './client-packages.ts';
import { DATABASE, PASSWORD, type Provided, provideDatabase, USER } from './database-servers.ts';
import { type FunctionShape, shapesOf } from './function-shapes.ts';
import { startMongoStub } from './mongo-stub.ts';
import { callsOf, clientSpans, HEADER, startFunctionWith, TRACE_ID } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let shapes: FunctionShape[] = [];
let servers: Readonly<Record<'pg' | 'mysql' | 'redis', Provided>>;
let certificates: Certificates | undefined;

before(async () => {
  certificates = makeCertificates(scope);
  packages = await provideClientPackages();
  const [pg, mysql, redis] = await Promise.all([
    provideDatabase(scope, 'postgres', certificates?.server),
    provideDatabase(scope, 'mariadb'),
    provideDatabase(scope, 'redis'),
  ]);
  servers = { pg, mysql, redis };
  if ('folder' in packages) {
    shapes = await shapesOf(fileURLToPath(new URL('functions/databases.mjs', import.meta.url)), packages.folder);
  }
});
after(async () => {
  for (const work of cleanUp) await work();
});

type Expectation = {
  readonly server: 'pg' | 'mysql' | 'redis';
  readonly names: readonly string[];
  readonly statement?: string;
  /** `error.type`; the caller sees the same code. */
  readonly error?: string;
  readonly needsTls?: true;
};

const select = `SELECT ${DATABASE}`;

const EXPECTED: Readonly<Record<string, Expectation>> = {
  'pg error': { server: 'pg', names: [select], statement: 'SELECT nothing FROM nowhere WHERE x = ?', error: '42P01' },
  'pg parameters': { server: 'pg', names: [select], statement: 'SELECT $1::text AS a' },
  'pg named statement': { server: 'pg', names: [select, select], statement: 'SELECT $1::int + ? AS a' },
  'pg transaction': { server: 'pg', names: [`BEGIN ${DATABASE}`, select, `COMMIT ${DATABASE}`] },
  'pg at once on one connection': { server: 'pg', names: [select, select, select] },
  'pg pool kept between invocations': { server: 'pg', names: [select, select] },
  'pg large result': { server: 'pg', names: [select] },
  'pg over TLS': { server: 'pg', names: [select], needsTls: true },
  'pg connection cut': { server: 'pg', names: [select], error: '57P01' },
  'mysql2 error': {
    server: 'mysql',
    names: [select],
    statement: 'SELECT nothing FROM nowhere WHERE x = ?',
    error: 'ER_NO_SUCH_TABLE',
  },
  'mysql2 prepared': { server: 'mysql', names: [select], statement: 'SELECT ? AS a' },
  'mysql2 callbacks and a pool': { server: 'mysql', names: [select] },
  'redis multi': { server: 'redis', names: ['MULTI'] },
  'redis error': { server: 'redis', names: ['SET', 'INCR'], error: 'ERR' },
  ioredis: { server: 'redis', names: ['SET'], statement: 'SET key ?' },
};

const portOf = (provided: Provided): number => ('port' in provided ? provided.port : 0);

const event = (name: string): object => {
  const account = { host: '127.0.0.1', user: USER, password: PASSWORD, database: DATABASE };
  return {
    name,
    caFile: certificates?.ca.certFile,
    pg: { ...account, port: portOf(servers.pg) },
    mysql: { ...account, port: portOf(servers.mysql) },
    redis: `redis://127.0.0.1:${portOf(servers.redis)}`,
  };
};

for (const shape of ['require', 'import', 'esbuild minified'] as const) {
  test(`databases: ${shape}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const { file, isBundled } = shapes.find(({ name }) => name === shape)!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
    });
    for (const [name, expected] of Object.entries(EXPECTED)) {
      await t.test(name, async (t) => {
        const provided = servers[expected.server];
        if ('missing' in provided) return t.skip(provided.missing);
        if (expected.needsTls && certificates === undefined) return t.skip('there is no openssl');
        // Twice: connections and contexts of the first invocation must not lead the second astray.
        for (const header of [HEADER, HEADER.replaceAll('65f1a2b3', '65f1a2b4')]) {
          fn.otlp.clear();
          fn.xray.clear();
          const result = (await fn.invoke(event(name), { traceHeader: header })).json() as {
            code?: string;
            name?: string;
          };
          const spans = clientSpans(fn);
          assert.deepEqual(
            spans.map((span) => span.name),
            expected.names,
            fn.emulator.logs.join('\n'),
          );
          assert.doesNotMatch(JSON.stringify([spans, fn.xray.documents]), /secret-literal|secret-of-the-test/);
          for (const { traceId } of spans) assert.equal(traceId, TRACE_ID.replace('65f1a2b3', header.slice(7, 15)));
          assert.equal(callsOf(fn).length, spans.length, 'each below Invocation');
          for (const { fault } of callsOf(fn)) assert.equal(fault === true, fault !== undefined);
          if (expected.statement !== undefined) assert.equal(spans[0]!.flat['db.query.text'], expected.statement);
          const last = spans.at(-1)!;
          assert.equal(last.status?.code === 2, expected.error !== undefined, JSON.stringify(last.status));
          if (expected.error === undefined) assert.equal(result, 'done');
          else
            assert.ok(
              last.flat['error.type'] === expected.error && typeof result === 'object',
              JSON.stringify(last.flat),
            );
          assert.deepEqual(fn.xray.violations, []);
        }
      });
    }
  });
}

test('another client of PostgreSQL, which no instrumentation knows', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  if ('missing' in servers.pg) return t.skip(servers.pg.missing);
  const source = `import postgres from 'postgres';
    export const handler = async ({ pg: { host, port, user, password, database } }) => {
      const sql = postgres({ host, port, username: user, password, database, max: 1, fetch_types: false });
      await sql\`SELECT \${7}::int AS a\`;
      await sql.end();
      return 'done';
    };`;
  await using fn = await startFunctionWith(packages.folder, { files: { 'index.mjs': source }, timeoutMs: 20_000 });
  const result = await fn.invoke(event(''), { traceHeader: HEADER });
  assert.equal(result.json(), 'done', fn.emulator.logs.join('\n'));
  const spans = clientSpans(fn);
  assert.deepEqual(
    spans.map(({ name }) => name),
    [select],
  );
  assert.equal(spans[0]!.flat['db.query.text'], 'SELECT $1::int AS a');
});

const OLDER: Readonly<
  Record<string, { readonly server: 'mysql' | 'redis'; readonly names: readonly string[]; readonly statement: string }>
> = {
  mysql2: { server: 'mysql', names: ['SELECT', 'SELECT'], statement: 'SELECT ? AS a' },
  redis: { server: 'redis', names: ['redis-connect', 'redis-SET'], statement: 'SET key [1 other arguments]' },
  ioredis: { server: 'redis', names: ['connect', 'client', 'client', 'set'], statement: 'set key [1 other arguments]' },
};

for (const shape of ['require', 'import', 'esbuild CJS'] as const) {
  test(`older clients, by OpenTelemetry's instrumentations of their modules: ${shape}`, async (t) => {
    const older = await provideClientPackages('older-clients');
    if (!('folder' in older)) return t.skip(older.missing);
    const path = fileURLToPath(new URL('functions/older-databases.mjs', import.meta.url));
    const { file, isBundled } = (await shapesOf(path, older.folder)).find(({ name }) => name === shape)!;
    await using fn = await startFunctionWith(isBundled ? undefined : older.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
    });
    for (const [name, { server, names, statement }] of Object.entries(OLDER)) {
      await t.test(name, async (t) => {
        if ('missing' in servers[server]) return t.skip(servers[server].missing);
        fn.otlp.clear();
        const result = await fn.invoke(event(name), { traceHeader: HEADER });
        assert.equal(result.json(), 'done', fn.emulator.logs.join('\n'));
        const spans = clientSpans(fn);
        // Inside a bundle nobody can reach them, and their protocols are not read.
        if (isBundled) return assert.deepEqual(spans, []);
        assert.deepEqual(
          spans.map((span) => span.name),
          names,
        );
        assert.equal(spans.at(-1)!.flat['db.query.text'] ?? spans.at(-1)!.flat['db.statement'], statement);
        assert.doesNotMatch(JSON.stringify(spans), /secret-literal/);
      });
    }
  });
}

test('instrumentations of databases can be switched off', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  for (const shape of ['import', 'esbuild minified']) {
    const { file, isBundled } = shapes.find(({ name }) => name === shape)!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
      environment: { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pg,mysql2,redis,ioredis,mongodb' },
    });
    for (const name of ['pg parameters', 'mysql2 prepared', 'redis multi', 'ioredis']) {
      if ('missing' in servers[EXPECTED[name]!.server]) continue;
      await fn.invoke(event(name), { traceHeader: HEADER });
    }
    assert.deepEqual(clientSpans(fn), []);
  }
});

test('only those that are named, where some are', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  if ('missing' in servers.pg) return t.skip(servers.pg.missing);
  if ('missing' in servers.redis) return t.skip(servers.redis.missing);
  for (const shape of ['import', 'esbuild minified']) {
    const { file, isBundled } = shapes.find(({ name }) => name === shape)!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
      environment: { OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'pg' },
    });
    for (const name of ['redis multi', 'pg parameters']) await fn.invoke(event(name), { traceHeader: HEADER });
    assert.deepEqual(
      clientSpans(fn).map(({ name }) => name),
      EXPECTED['pg parameters']!.names,
    );
  }
});

test('MongoDB', (t) => t.skip('Debian has no package of a server: its driver is tested against a stand-in, below'));

for (const shape of ['require', 'import', 'esbuild minified'] as const) {
  test(`the driver of MongoDB, by OpenTelemetry's instrumentation: ${shape}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const mongo = `mongodb://127.0.0.1:${await startMongoStub(t, packages.folder)}/?directConnection=true`;
    const path = fileURLToPath(new URL('functions/mongo.mjs', import.meta.url));
    const { file, isBundled } = (await shapesOf(path, packages.folder)).find(({ name }) => name === shape)!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
    });
    const result = await fn.invoke({ mongo }, { traceHeader: HEADER });
    assert.deepEqual(result.json(), { found: 1, error: 'CommandNotFound' }, fn.emulator.logs.join('\n'));
    const spans = clientSpans(fn);
    // Inside a bundle nobody can reach it, and its protocol is not read.
    if (isBundled) return assert.deepEqual(spans, []);
    assert.deepEqual(
      spans.map(({ name, flat, status }) => [name, flat['db.system.name'], flat['db.namespace'], status?.code === 2]),
      [
        ['insert orders', 'mongodb', 'shop', false],
        ['find orders', 'mongodb', 'shop', false],
        ['unknown $cmd', 'mongodb', 'shop', true],
      ],
    );
    assert.equal(spans[1]!.flat['db.query.text'], '{"find":"?","filter":{"sku":"?"}}');
    assert.doesNotMatch(JSON.stringify([spans, fn.xray.documents]), /secret-literal/);
    assert.deepEqual(fn.emulator.logs, []);
  });
}

const MAPPERS = { knex: select, sequelize: select, prisma: select, mongoose: 'find orders' };

for (const shape of ['require', 'import'] as const) {
  test(`libraries on top of the clients: ${shape}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const mongo = `mongodb://127.0.0.1:${await startMongoStub(t, packages.folder)}/?directConnection=true`;
    const path = fileURLToPath(new URL('functions/mappers.mjs', import.meta.url));
    const [name, text] = (await shapesOf(path, packages.folder, [shape])).find((one) => one.name === shape)!.file;
    await using fn = await startFunctionWith(packages.folder, { files: { [name]: text }, timeoutMs: 20_000 });
    for (const [library, expected] of Object.entries(MAPPERS)) {
      await t.test(library, async (t) => {
        if (library !== 'mongoose' && 'missing' in servers.pg) return t.skip(servers.pg.missing);
        fn.otlp.clear();
        const result = await fn.invoke({ ...event(library), mongo }, { traceHeader: HEADER });
        assert.equal(result.json(), 1, fn.emulator.logs.join('\n'));
        const spans = clientSpans(fn);
        assert.ok(
          spans.some((span) => span.name === expected),
          spans.map((span) => span.name).join(),
        );
        assert.doesNotMatch(JSON.stringify([spans, fn.xray.documents]), /secret-literal/);
      });
    }
  });
}
