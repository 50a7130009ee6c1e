// Spans that user code makes, with the OpenTelemetry API or by calling out: they join the invocation whatever module system
// and bundler the function came from.

import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0';

let downstream: Server;
let url: string;
const received: IncomingHttpHeaders[] = [];

before(async () => {
  downstream = createServer((request, response) => {
    received.push(request.headers);
    response.statusCode = request.url === '/missing' ? 404 : 200;
    response.end('{"stock":3}');
  });
  await new Promise<void>((resolve) => downstream.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(downstream.address() as AddressInfo).port}`;
});

after(() => downstream.close());

const invocationOf = ({ xray }: FunctionUnderTest): XrayDocument =>
  xray.documents.find(({ name }) => name === 'Invocation')!;

const childNames = (document: XrayDocument): string[] => (document.subsegments ?? []).map(({ name }) => name);

const CJS = `const { trace } = require('@opentelemetry/api');
const http = require('node:http');
const tracer = trace.getTracer('shop', '1.2.3');
const call = (url) => new Promise((resolve, reject) => {
  http.get(url, (response) => { response.resume(); response.on('end', () => resolve(response.statusCode)); }).on('error', reject);
});
exports.handler = async (event) => tracer.startActiveSpan('reserve stock', async (span) => {
  span.setAttribute('sku', 'b-7');
  try {
    return { status: await call(event.url) };
  } finally {
    span.end();
  }
});`;

const ESM = `import { trace } from '@opentelemetry/api';
import { get } from 'node:http';
const tracer = trace.getTracer('shop', '1.2.3');
const call = (url) => new Promise((resolve, reject) => {
  get(url, (response) => { response.resume(); response.on('end', () => resolve(response.statusCode)); }).on('error', reject);
});
export const handler = async (event) => tracer.startActiveSpan('reserve stock', async (span) => {
  span.setAttribute('sku', 'b-7');
  try {
    return { status: await call(event.url) };
  } finally {
    span.end();
  }
});`;

async function bundled(source: string, format: 'cjs' | 'esm', minify: boolean): Promise<string> {
  const result = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    platform: 'node',
    format,
    minify,
    write: false,
    ...(format === 'esm'
      ? { banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" } }
      : {}),
  });
  return result.outputFiles[0]!.text;
}

const SHAPES: Readonly<Record<string, () => Promise<Readonly<Record<string, string>>>>> = {
  'CommonJS with its own package': async () => ({ 'index.js': CJS }),
  'ESM with its own package': async () => ({ 'index.mjs': ESM }),
  'bundled to CommonJS': async () => ({ 'index.js': await bundled(CJS, 'cjs', false) }),
  'bundled to ESM, minified': async () => ({ 'index.mjs': await bundled(ESM, 'esm', true) }),
};

for (const [shape, filesOf] of Object.entries(SHAPES)) {
  test(`a span of the user's API and the HTTP call inside it: ${shape}`, async () => {
    await using fn = await startFunction({ files: await filesOf(), packages: ['@opentelemetry/api'] });
    received.length = 0;
    const result = await fn.invoke({ url: `${url}/stock` }, { traceHeader: HEADER });
    assert.deepEqual(result.json(), { status: 200 });

    const invocation = invocationOf(fn);
    assert.deepEqual(childNames(invocation), ['reserve stock']);
    const span = invocation.subsegments![0]!;
    assert.equal(span.metadata?.default?.['sku'], 'b-7');
    const call = span.subsegments![0]!;
    assert.equal(call.name, '127.0.0.1');
    assert.equal(call['namespace'], 'remote');
    assert.equal(call.http?.response?.['status'], 200);
    assert.equal(call.http?.request?.['method'], 'GET');
    assert.deepEqual(fn.xray.violations, []);

    const http = fn.otlp.spans.find(({ name }) => name === 'GET')!;
    assert.equal(http.spanId, call.id);
    assert.equal(http.flat['http.response.status_code'], 200);
    assert.equal(http.flat['url.full'], `${url}/stock`);
    const own = fn.otlp.spans.find(({ name }) => name === 'reserve stock')!;
    assert.equal(own.parentSpanId, invocation.id);
    assert.deepEqual(own.scope, { name: 'shop', version: '1.2.3' });

    const headers = received[0]!;
    assert.equal(headers['traceparent'], `00-65f1a2b30123456789abcdef01234567-${call.id}-01`);
    assert.equal(headers['x-amzn-trace-id'], HEADER.replace('53995c3f42cd8ad8', call.id));
  });
}

for (const api of ['otel-api-1-0', 'otel-api-1-4', 'otel-api-1-9', '@opentelemetry/api']) {
  for (const isBundled of [false, true]) {
    test(`a span made with ${api}${isBundled ? ', bundled and minified' : ''}`, async () => {
      const source = CJS.replace('@opentelemetry/api', api);
      const text = isBundled ? await bundled(source, 'cjs', true) : source;
      await using fn = await startFunction({ files: { 'index.js': text }, packages: isBundled ? [] : [api] });
      await fn.invoke({ url }, { traceHeader: HEADER });
      const invocation = invocationOf(fn);
      assert.deepEqual(childNames(invocation), ['reserve stock']);
      assert.deepEqual(childNames(invocation.subsegments![0]!), ['127.0.0.1']);
    });
  }
}

test('a failing downstream call is an error in both drawings, its caller sees what it would have seen', async () => {
  await using fn = await startFunction({ files: { 'index.js': CJS }, packages: ['@opentelemetry/api'] });
  assert.deepEqual((await fn.invoke({ url: `${url}/missing` })).json(), { status: 404 });
  const call = invocationOf(fn).subsegments![0]!.subsegments![0]!;
  assert.equal(call.error, true);
  fn.xray.clear();
  const refused = await fn.invoke({ url: 'http://127.0.0.1:1/' });
  assert.equal(refused.errorType, 'Error');
  assert.match((refused.json() as { errorMessage: string }).errorMessage, /ECONNREFUSED/);
  assert.equal(invocationOf(fn).subsegments![0]!.subsegments![0]!.fault, true);
  assert.deepEqual(fn.xray.violations, []);
});

test('our own exports are never traced', async () => {
  await using fn = await startFunction({ files: { 'index.js': CJS }, packages: ['@opentelemetry/api'] });
  for (let n = 0; n < 3; n++) await fn.invoke({ url });
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'POST').length, 0);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'GET').length, 3);
});

test('a span that ends after its invocation was flushed follows with the next one, in its own trace', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const tracer = trace.getTracer('shop');
        let late;
        exports.handler = async () => {
          if (late) { late.end(); late = undefined; return 'ended'; }
          late = tracer.startSpan('background work');
          return 'started';
        };`,
    },
    packages: ['@opentelemetry/api'],
  });
  await fn.invoke({}, { traceHeader: HEADER });
  const parent = invocationOf(fn).id;
  fn.xray.clear();
  await fn.invoke({});
  const late = fn.xray.documents.find(({ name }) => name === 'background work')!;
  assert.equal(late.trace_id, '1-65f1a2b3-0123456789abcdef01234567');
  assert.equal(late['parent_id'], parent);
});

test('an unsampled invocation makes no datagram and still hands its trace on', async () => {
  await using fn = await startFunction({ files: { 'index.js': CJS }, packages: ['@opentelemetry/api'], otlp: false });
  assert.deepEqual((await fn.invoke({ url }, { traceHeader: HEADER.replace('Sampled=1', 'Sampled=0') })).json(), {
    status: 200,
  });
  assert.equal(fn.xray.datagrams.length, 0);
});

test('with X-Ray alone, W3C headers carry X-Ray’s decision: services behind it must not drop the trace', async () => {
  await using fn = await startFunction({ files: { 'index.js': CJS }, packages: ['@opentelemetry/api'], otlp: false });
  received.length = 0;
  await fn.invoke({ url }, { traceHeader: HEADER });
  assert.match(received[0]!.traceparent as string, /^00-65f1a2b30123456789abcdef01234567-[0-9a-f]{16}-01$/);
});
