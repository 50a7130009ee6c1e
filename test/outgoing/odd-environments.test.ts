// Calls from functions that have changed the world around them, and from invocations that nobody records.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startFunction } from '../support/function-under-test.ts';
import { callsOf, clientSpans, type Downstream, HEADER, startDownstream, TRACE_ID } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
let downstream: Downstream;

before(async () => {
  downstream = await startDownstream(scope);
});
after(async () => {
  for (const work of cleanUp) await work();
});

/** The last part of a function: calls once by each way, and says how it went. */
const CALL_BOTH_WAYS = `
const call = (url) => new Promise((resolve, reject) => {
  http.get(url, (response) => { response.resume(); response.on('end', () => resolve(response.statusCode)); }).on('error', reject);
});
exports.handler = async ({ url, skipsFetch }) => {
  if (skipsFetch) return [await call(url)];
  const response = await fetch(url);
  await response.text();
  return [await call(url), response.status];
};`;

const WORLDS: Readonly<Record<string, string>> = {
  'frozen intrinsics': `
    const http = require('node:http');
    for (const intrinsic of [Object, Array, Function, String, Map, Set, WeakMap, Promise, Error, RegExp, Number, Symbol]) {
      Object.freeze(intrinsic.prototype);
      Object.freeze(intrinsic);
    }
    Object.freeze(JSON); Object.freeze(Math); Object.freeze(Reflect);`,
  'mocked time': `
    const http = require('node:http');
    globalThis.Date = class extends Date { static now() { return 0; } constructor() { super(0); } };
    performance.now = () => 42;
    process.uptime = () => 0;
    process.hrtime.bigint = () => 0n;`,
  'mocked timers': `
    const http = require('node:http');
    require('node:test').mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });`,
  'broken built-ins': `
    const http = require('node:http');
    URL.parse = undefined;
    Array.prototype.find = () => { throw new Error('broken'); };
    String.prototype.startsWith = () => { throw new Error('broken'); };`,
};

for (const [world, code] of Object.entries(WORLDS)) {
  test(`the call goes out, whatever the function did before: ${world}`, async () => {
    await using fn = await startFunction({ files: { 'index.js': `${code}\n${CALL_BOTH_WAYS}` } });
    const plain = await startFunction({
      files: { 'index.js': `${code}\n${CALL_BOTH_WAYS}` },
      environment: { SPANSTRAP_DISABLED: 'true' },
    });
    await using _ = plain;
    // Node's own fetch does not survive this; its http does.
    const skipsFetch = world === 'broken built-ins';
    const event = { url: downstream.url, skipsFetch };
    const without = await plain.invoke(event);
    const result = await fn.invoke(event, { traceHeader: HEADER });
    assert.deepEqual(result.json(), without.json(), fn.emulator.logs.join('\n'));
    assert.deepEqual(result.json(), skipsFetch ? [200] : [200, 200]);
    if (skipsFetch) return;
    assert.equal(clientSpans(fn).length, 2, fn.emulator.logs.join('\n'));
    const now = Date.now() / 1000;
    for (const { start_time: start, end_time: end } of callsOf(fn)) {
      assert.ok(Math.abs(Number(start) - now) < 60 && Number(end) >= Number(start), 'the real time');
    }
    assert.deepEqual(fn.xray.violations, []);
  });
}

test('ten thousand calls at once: all are answered, and all are spans', async () => {
  const files = {
    'index.mjs': `import http from 'node:http';
      const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
      export const handler = async ({ url, count }) => {
        const outcomes = {};
        const call = () => new Promise((resolve) => {
          http.get(url, { agent }, (response) => { response.resume(); response.on('end', () => resolve(response.statusCode)); })
            .on('error', (error) => resolve(error.code));
        });
        for (const outcome of await Promise.all(Array.from({ length: count }, call))) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        return outcomes;
      };`,
  };
  const environment = {
    OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
    SPANSTRAP_FLUSH_TIMEOUT: '60000',
    // All at once are more than wait for one destination by default, when it is slow.
    SPANSTRAP_MAX_QUEUED_SPANS: '20000',
    SPANSTRAP_MEMORY_PERCENT: '50',
  };
  const options = { files, timeoutMs: 120_000, xray: false };
  const event = { url: downstream.url, count: 10_000 };
  await using plain = await startFunction({ ...options, environment: { SPANSTRAP_DISABLED: 'true' } });
  const without = (await plain.invoke(event)).json();
  await using fn = await startFunction({ ...options, environment });
  const result = await fn.invoke(event, { traceHeader: HEADER });
  assert.deepEqual(result.json(), without);
  assert.deepEqual(without, { 200: 10_000 });
  const spans = clientSpans(fn);
  assert.equal(spans.length, 10_000);
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 10_000);
});

const CALLS_AND_SAYS_WHAT_IS_LOADED = `
  const http = require('node:http');
  const { request } = require('node:http2');
  exports.handler = async ({ url }) => {
    await (await fetch(url)).text();
    await new Promise((resolve, reject) => {
      http.get(url, { headers: { 'X-One': '1' } }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  };`;

for (const [what, header, expected] of [
  ['not sampled', HEADER.replace('Sampled=1', 'Sampled=0'), `00-${TRACE_ID}-53995c3f42cd8ad8-00`],
  ['undecided', HEADER.replace('Sampled=1', 'Sampled=?'), `00-${TRACE_ID}-53995c3f42cd8ad8-00`],
] as const) {
  test(`an invocation that is ${what} hands its trace on verbatim, and makes no span`, async () => {
    await using fn = await startFunction({ files: { 'index.js': CALLS_AND_SAYS_WHAT_IS_LOADED }, otlp: false });
    downstream.received.length = 0;
    await fn.invoke({ url: downstream.url }, { traceHeader: header });
    assert.equal(fn.xray.datagrams.length, 0);
    assert.equal(downstream.received.length, 2);
    for (const { headers } of downstream.received) {
      assert.equal(headers['x-amzn-trace-id'], header);
      assert.equal(headers.traceparent, expected);
    }
  });
}

test('a root-only header goes on as it is, without a parent that nobody made up', async () => {
  await using fn = await startFunction({ files: { 'index.js': CALLS_AND_SAYS_WHAT_IS_LOADED }, otlp: false });
  downstream.received.length = 0;
  await fn.invoke({ url: downstream.url }, { traceHeader: `Root=${HEADER.slice(5, 40)};Lineage=1:a87bd80c:0` });
  for (const { headers } of downstream.received) {
    assert.equal(headers['x-amzn-trace-id'], `Root=${HEADER.slice(5, 40)};Lineage=1:a87bd80c:0`);
    assert.equal(headers.traceparent, undefined);
  }
});

test('a function that calls nobody has nothing loaded for calls; one that does, with its first call', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import http from 'node:http';
        import { Session } from 'node:inspector';
        export const handler = async ({ url }) => {
          if (url !== undefined) await (await fetch(url)).text();
          const session = new Session();
          const scripts = [];
          session.connect();
          session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url));
          session.post('Debugger.enable');
          session.disconnect();
          return scripts.filter((name) => /(?:outgoing|databases|client-modules|opentelemetry)\\.cjs$/.test(name)).map((name) => name.split('/').at(-1));
        };`,
    },
  });
  const loaded = async (event: object): Promise<unknown> => (await fn.invoke(event, { traceHeader: HEADER })).json();
  assert.deepEqual(await loaded({}), []);
  assert.deepEqual(await loaded({}), []);
  assert.deepEqual(await loaded({ url: downstream.url }), ['outgoing.cjs']);
});

test('what a new connection cost stands on the call that opened it, and on no other', async (t) => {
  const { tls } = downstream;
  if (tls === undefined) return t.skip('there is no openssl');
  await using fn = await startFunction({
    files: {
      'index.mjs': `import https from 'node:https';
        const agent = new https.Agent({ keepAlive: true });
        export const handler = async ({ url, way }) => {
          if (way === 'fetch') return (await (await fetch(url)).text()).length;
          return new Promise((resolve, reject) => {
            https.get(url, { agent }, (response) => response.resume().on('end', () => resolve(11))).on('error', reject);
          });
        };`,
    },
    environment: { NODE_EXTRA_CA_CERTS: tls.caFile },
  });
  for (const way of ['https', 'fetch']) {
    const timings = [];
    for (let at = 0; at < 2; at++) {
      fn.otlp.clear();
      const result = await fn.invoke({ url: tls.url, way }, { traceHeader: HEADER });
      assert.equal(result.json(), 11, fn.emulator.logs.join('\n'));
      const { flat } = clientSpans(fn)[0]!;
      const parts = ['dns', 'tcp', 'tls'].map((part) => flat[`spanstrap.connection.${part}_ms`]);
      timings.push(parts.map((part) => typeof part));
      assert.ok(typeof flat['spanstrap.http.first_byte_ms'] === 'number');
      assert.equal(flat['network.protocol.version'], '1.1');
    }
    assert.deepEqual(
      timings,
      [
        ['number', 'number', 'number'],
        ['undefined', 'undefined', 'undefined'],
      ],
      way,
    );
  }
});

test('what the user sets himself stays, and what is signed is not touched', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import http from 'node:http';
        export const handler = async ({ url, headers }) => {
          await (await fetch(url, { headers })).text();
          await new Promise((resolve, reject) => {
            http.get(url, { headers }, (response) => response.resume().on('end', resolve)).on('error', reject);
          });
        };`,
    },
  });
  const signed =
    'AWS4-HMAC-SHA256 Credential=K/20260102/eu-west-1/execute-api/aws4_request, SignedHeaders=host;x-amzn-trace-id, Signature=0';
  for (const [given, expected] of [
    [
      { traceparent: '00-1-2-3', 'X-Amzn-Trace-Id': 'mine', baggage: 'a=b' },
      { traceparent: '00-1-2-3', 'x-amzn-trace-id': 'mine', baggage: 'a=b' },
    ],
    [{ authorization: signed, 'x-amzn-trace-id': 'Root=1' }, { 'x-amzn-trace-id': 'Root=1' }],
    [{ authorization: signed }, { 'x-amzn-trace-id': undefined }],
  ] as const) {
    downstream.received.length = 0;
    fn.otlp.clear();
    await fn.invoke({ url: downstream.url, headers: given }, { traceHeader: HEADER });
    assert.equal(downstream.received.length, 2);
    for (const { headers } of downstream.received) {
      for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value);
    }
    assert.equal(clientSpans(fn).length, 2);
  }
});

test('instrumentations can be switched off one by one, by the names of OpenTelemetry', async () => {
  for (const [environment, expected] of [
    [{ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http, express' }, ['fetch']],
    [{ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,koa' }, ['http']],
    [{ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,undici', OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'undici' }, ['http']],
  ] as const) {
    await using fn = await startFunction({ files: { 'index.js': CALLS_AND_SAYS_WHAT_IS_LOADED }, environment });
    downstream.received.length = 0;
    await fn.invoke({ url: downstream.url }, { traceHeader: HEADER });
    const traced = downstream.received.filter(({ headers }) => headers.traceparent !== undefined);
    assert.deepEqual(
      traced.map(({ headers }) => (headers['x-one'] === '1' ? 'http' : 'fetch')),
      expected,
    );
    assert.equal(clientSpans(fn).length, 1);
  }
});

test('a call that was under way when the process crashed is in the trace', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const http = require('node:http');
        exports.handler = (event) => new Promise(() => {
          http.get(event.url + '/silent').on('socket', (socket) => socket.on('connect', () => { throw new Error('crashed'); }));
        });`,
    },
  });
  const { createServer } = await import('node:net');
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  scope.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const result = await fn.invoke({ url: `http://127.0.0.1:${port}` }, { traceHeader: HEADER });
  assert.match(JSON.stringify(result.json()), /crashed/);
  const [call] = clientSpans(fn);
  assert.equal(call?.flat['spanstrap.call.is_unfinished'], true);
  assert.equal(callsOf(fn).length, 1);
});
