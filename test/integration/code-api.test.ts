// The package `spanstrap`: in the layer it draws, outside of it it does nothing, and in both the function runs the same.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { build } from 'esbuild';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

const CJS = `const spanstrap = require('spanstrap');
exports.handler = async (event) => {
  spanstrap.annotate('tenant', 'acme');
  spanstrap.annotate('vip', true);
  spanstrap.annotate('nothing', { a: 1 });
  spanstrap.metadata('cart', { items: 3 });
  spanstrap.metadata('loop', globalThis, 'odd');
  const price = spanstrap.withSpan('price', (span) => {
    span.setAttribute('sku', 'b-7');
    spanstrap.annotate('currency', 'EUR');
    return 7;
  });
  const late = await spanstrap.withSpan('ship', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return spanstrap.withSpan('label', () => 8);
  });
  let thrown;
  try {
    spanstrap.withSpan('fail', () => { throw new RangeError('on purpose'); });
  } catch (error) {
    thrown = error.name;
  }
  const rejected = await spanstrap.withSpan('reject', async () => { throw new TypeError('later'); }).catch((error) => error.name);
  return { price, late, thrown, rejected };
};`;

const ESM = CJS.replace("const spanstrap = require('spanstrap');", "import spanstrap from 'spanstrap';").replace(
  'exports.handler =',
  'export const handler =',
);

const RESULT = { price: 7, late: 8, thrown: 'RangeError', rejected: 'TypeError' };

const invocationOf = ({ xray }: FunctionUnderTest): XrayDocument =>
  xray.documents.find(({ name }) => name === 'Invocation')!;

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: CJS, resolveDir: import.meta.dirname, loader: 'js' },
    alias: { spanstrap: new URL('../../api/spanstrap.cjs', import.meta.url).pathname },
    bundle: true,
    platform: 'node',
    minify: true,
    write: false,
  });
  return outputFiles[0]!.text;
}

for (const [shape, filesOf] of [
  ['require, from the layer', async () => ({ 'index.js': CJS })],
  ['import, from the layer', async () => ({ 'index.mjs': ESM })],
  ['a copy inside a minified bundle', async () => ({ 'index.js': await bundled() })],
] as const) {
  test(`annotations, metadata and spans: ${shape}`, async () => {
    await using fn = await startFunction({ files: await filesOf() });
    assert.deepEqual((await fn.invoke({}, { traceHeader: HEADER })).json(), RESULT, fn.emulator.logs.join('\n'));
    const invocation = invocationOf(fn);
    assert.deepEqual(invocation.annotations, { tenant: 'acme', vip: true });
    assert.deepEqual(invocation.metadata?.default?.cart, { items: 3 });
    assert.equal(invocation.metadata?.odd?.loop, '[object global]');
    const [price, ship, fail, reject, ...others] = invocation.subsegments!;
    assert.deepEqual(others, []);
    assert.equal(price!.name, 'price');
    assert.deepEqual(price!.annotations, { currency: 'EUR' });
    assert.equal(price!.metadata?.default?.sku, 'b-7');
    assert.equal(ship!.name, 'ship');
    assert.deepEqual(
      ship!.subsegments?.map(({ name }) => name),
      ['label'],
    );
    assert.deepEqual([fail!.name, fail!.fault], ['fail', true]);
    assert.deepEqual([reject!.name, reject!.fault], ['reject', true]);
    assert.deepEqual(fn.xray.violations, []);
    const span = fn.otlp.spans.find(({ name }) => name === 'price')!;
    assert.equal(span.spanId, price!.id);
    assert.equal(span.parentSpanId, invocation.id);
    assert.equal(span.flat.currency, 'EUR');
  });
}

test('a query that begins when it is awaited belongs to its span; a thenable that gives no promise has its value', async () => {
  const code = `const { withSpan } = require('spanstrap');
    const lazy = { then: (resolve, reject) => Promise.resolve(withSpan('query', () => 7)).then(resolve, reject) };
    const bare = { then(resolve) { setImmediate(resolve, 8); } };
    const failing = { then(resolve, reject) { setImmediate(reject, new RangeError('on purpose')); } };
    exports.handler = async () => [
      await withSpan('lazy', () => lazy),
      await withSpan('bare', () => bare),
      await withSpan('failing', () => failing).then(() => 'none', (error) => error.name),
    ];`;
  await using fn = await startFunction({ files: { 'index.js': code } });
  assert.deepEqual(
    (await fn.invoke({}, { traceHeader: HEADER })).json(),
    [7, 8, 'RangeError'],
    fn.emulator.logs.join(),
  );
  assert.deepEqual(
    invocationOf(fn).subsegments?.map(({ name, fault, subsegments }) => [name, fault, subsegments?.[0]?.name]),
    [
      ['lazy', undefined, 'query'],
      ['bare', undefined, undefined],
      ['failing', true, undefined],
    ],
  );
});

test('what is thrown comes out as it is, also what cannot be read', async () => {
  const code = `const { withSpan } = require('spanstrap');
    const things = [
      Object.create(null), null, undefined, Symbol('s'), 5n,
      { get message() { throw new Error('message'); } },
      Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('message'); } }),
      new Proxy({}, { get() { throw new Error('get'); }, getPrototypeOf() { throw new Error('prototype'); } }),
    ];
    const same = async (thing) => {
      const found = [];
      try { withSpan('thrown', () => { throw thing; }); } catch (caught) { found.push(caught === thing); }
      await withSpan('rejected', async () => { throw thing; }).catch((caught) => found.push(caught === thing));
      return found.join();
    };
    exports.handler = () => Promise.all(things.map(same));`;
  await using fn = await startFunction({ files: { 'index.js': code } });
  assert.deepEqual((await fn.invoke({}, { traceHeader: HEADER })).json(), Array(8).fill('true,true'));
  const faults = invocationOf(fn).subsegments?.map(({ fault }) => fault);
  assert.deepEqual(faults, Array(16).fill(true), fn.emulator.logs.join('\n'));
});

test('the route of a router inside the function', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { setRoute } from 'spanstrap';
        export const handler = async () => { setRoute('/orders/{id}'); return { statusCode: 200, body: '' }; };`,
    },
  });
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/orders/42',
    rawQueryString: '',
    headers: { host: 'x' },
    requestContext: { domainName: 'x', http: { method: 'GET', path: '/orders/42', protocol: 'HTTP/1.1' } },
  };
  await fn.invoke(event, { traceHeader: HEADER });
  const server = fn.otlp.spans.find(({ kind }) => kind === 2)!;
  assert.equal(server.name, 'GET /orders/{id}');
  assert.equal(server.flat['http.route'], '/orders/{id}');
});

const TRACES = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'];

const sqsRecord = (messageId: string, traceId: string | undefined): object => ({
  messageId,
  body: '{}',
  attributes: {},
  messageAttributes:
    traceId === undefined
      ? {}
      : { traceparent: { stringValue: `00-${traceId}-00f067aa0ba902b7-01`, dataType: 'String' } },
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:parcels',
});

test('a span for each message, with a link to where it was sent from', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { annotate, forEachRecord } from 'spanstrap';
        export const handler = async (event) => forEachRecord(event, async (record, span) => {
          annotate('message', record.messageId);
          if (record.messageId === 'm-3') span.recordException(new Error('dealt with'));
          return record.messageId;
        });`,
    },
  });
  const event = { Records: [sqsRecord('m-1', TRACES[0]), sqsRecord('m-2', TRACES[1]), sqsRecord('m-3', undefined)] };
  assert.deepEqual((await fn.invoke(event, { traceHeader: HEADER })).json(), ['m-1', 'm-2', 'm-3']);
  const spans = fn.otlp.spans.filter(({ flat }) => flat.message !== undefined);
  assert.deepEqual(
    spans.map(({ name, kind }) => [name, kind]),
    Array.from({ length: 3 }, () => ['process parcels', 5]),
  );
  assert.deepEqual(
    spans.map(({ flat }) => flat['messaging.message.id']),
    ['m-1', 'm-2', 'm-3'],
  );
  assert.deepEqual(
    spans.map(({ links }) => links?.[0]?.traceId),
    [TRACES[0], TRACES[1], undefined],
  );
  assert.deepEqual(fn.xray.violations, []);
});

test('records of every kind of event; an event without any is its own', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { forEachRecord } from 'spanstrap';
        export const handler = (event) => forEachRecord(event, (record) => record);`,
    },
  });
  const { forEachRecord } = createRequire(import.meta.url)('../../api/spanstrap.cjs');
  for (const [event, records] of [
    [{ Records: [1, 2] }, [1, 2]],
    [
      [1, 2],
      [1, 2],
    ],
    [{ records: { 'topic-0': [1], 'topic-1': [2, 3] } }, [1, 2, 3]],
    [{ rmqMessagesByQueue: { 'q::/': [1] } }, [1]],
    [{ messages: [1] }, [1]],
    [{ records: [1] }, [1]],
    [{ Records: [] }, []],
    [{ a: 1 }, [{ a: 1 }]],
    [5, [5]],
    [null, [null]],
  ] as const) {
    assert.deepEqual((await fn.invoke(event)).json(), records);
    assert.deepEqual(await forEachRecord(event, (record: unknown) => record), records, 'outside of the layer');
  }
});

test('the first error ends it, and is the error of the invocation', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { forEachRecord } from 'spanstrap';
        export const handler = (event) => forEachRecord(event, (record) => { if (record === 2) throw new RangeError('bad record'); });`,
    },
  });
  const result = await fn.invoke([1, 2, 3], { traceHeader: HEADER });
  assert.equal(result.errorType, 'RangeError');
  const failed = fn.otlp.spans.filter(({ kind }) => kind === 5);
  assert.deepEqual(
    failed.map(({ status }) => status?.code ?? 0),
    [0, 2],
  );
});

for (const [what, environment] of [
  ['tracing is switched off', { SPANSTRAP_DISABLED: 'true' }],
  ['nobody records', { OTEL_TRACES_SAMPLER: 'always_off' }],
] as const) {
  test(`the function runs the same when ${what}`, async () => {
    await using fn = await startFunction({ files: { 'index.js': CJS }, environment });
    const result = await fn.invoke({}, { traceHeader: HEADER.replace('Sampled=1', 'Sampled=0') });
    assert.deepEqual(result.json(), RESULT);
    assert.equal(fn.xray.datagrams.length, 0);
  });
}

test('outside of the layer everything is a no-op that runs what it is given', async () => {
  const require = createRequire(import.meta.url);
  const module = { exports: {} as { handler(event: unknown): Promise<unknown> } };
  new Function('require', 'exports', CJS)(() => require('../../api/spanstrap.cjs'), module.exports);
  assert.deepEqual(await module.exports.handler({}), RESULT);
  const esm = (await import(new URL('../../api/spanstrap.mjs', import.meta.url).href)) as typeof import('spanstrap');
  assert.deepEqual(Object.keys(esm).sort(), [
    'annotate',
    'default',
    'forEachRecord',
    'metadata',
    'setRoute',
    'withSpan',
  ]);
  assert.equal(
    esm.withSpan('x', (span: { isRecording(): boolean }) => span.isRecording()),
    false,
  );
});
