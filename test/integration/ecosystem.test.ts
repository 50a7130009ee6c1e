// Functions as people build them: TypeScript through esbuild, to CommonJS and to ESM, minified and not, with the libraries that
// are around most functions. None of them knows of this runtime.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { installLocked } from '../../layer/locked-install.ts';
import { BuildError } from '../../layer/progress.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

let packages = '';
let skip: string | false = false;
try {
  packages = join((await installLocked('test-functions', join(FIXTURES, 'packages'))).folder, 'node_modules');
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  skip = `the packages of test/fixtures/packages cannot be installed: ${error.message.split('\n')[0]}`;
  console.log(`test/integration/ecosystem: SKIPPED, ${skip}`);
}

type Output = { readonly format: 'cjs' | 'esm'; readonly minify: boolean };
const outputs: readonly Output[] = [
  { format: 'cjs', minify: false },
  { format: 'cjs', minify: true },
  { format: 'esm', minify: false },
  { format: 'esm', minify: true },
];

async function bundle(name: string, { format, minify }: Output, external: string[]): Promise<Record<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [join(FIXTURES, `functions/${name}.ts`)],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format,
    minify,
    external,
    nodePaths: [packages],
    write: false,
    logLevel: 'silent',
    ...(format === 'esm' && {
      mainFields: ['module', 'main'],
      banner: {
        js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
      },
    }),
  });
  return { [format === 'esm' ? 'index.mjs' : 'index.js']: outputFiles[0]!.text };
}

/** One test for each kind of bundle. */
function testBundles(
  name: string,
  run: (fn: FunctionUnderTest) => Promise<void>,
  { external = [], ...options }: Partial<FunctionOptions> & { readonly external?: string[] } = {},
): void {
  for (const output of outputs) {
    const { format, minify } = output;
    test(`${name}, ${format}${minify ? ', minified' : ''}`, { skip }, async () => {
      await using fn = await startFunction({ files: await bundle(name, output, external), otlp: false, ...options });
      await run(fn);
      assert.equal(fn.emulator.generation, 1);
      assert.deepEqual(fn.xray.violations, []);
    });
  }
}

const httpEvent = (method: string, path: string, more: object = {}): object => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: path.split('?')[0],
  rawQueryString: path.split('?')[1] ?? '',
  headers: { 'content-type': 'application/json', host: 'example.com' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'api',
    domainName: 'example.com',
    http: { method, path: path.split('?')[0], protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
    requestId: 'id',
    routeKey: '$default',
    stage: '$default',
    time: '01/Jan/2026:00:00:00 +0000',
    timeEpoch: 1_767_225_600_000,
  },
  isBase64Encoded: false,
  ...more,
});

type HttpResult = { statusCode: number; headers?: Record<string, string>; body: string };

testBundles('orders', async (fn) => {
  const good = await fn.invoke({ id: 7, items: [{ sku: 'A1', count: 2 }] }, { requestId: 'request-7' });
  assert.deepEqual(good.json(), { order: 7, left: { A1: 1 }, requestId: 'request-7' });
  assert.ok(fn.emulator.logs.some((line) => line.endsWith('\trequest-7\tINFO\treserved 7')));
  const bad = await fn.invoke({ id: 8, items: [{ sku: 'B2', count: 1 }] });
  const { errorType, errorMessage, trace } = bad.json() as { errorType: string; errorMessage: string; trace: string[] };
  assert.deepEqual([errorType, errorMessage], ['OutOfStock', 'no B2 left']);
  assert.ok(trace.some((line) => line.includes('index.')));
  const line = fn.emulator.logs.find((one) => one.includes('Invoke Error'))!;
  assert.match(line, /"errorType":"OutOfStock".*"sku":"B2"/);
});

testBundles('powertools', async (fn) => {
  const record = (messageId: string, body: string): object => ({
    messageId,
    body,
    eventSource: 'aws:sqs',
    attributes: {},
  });
  const event = { Records: [record('1', 'good'), record('2', 'bad'), record('3', 'good')] };
  const traceHeader = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';
  for (const requestId of ['first', 'second']) {
    fn.xray.clear();
    const result = await fn.invoke(event, { requestId, traceHeader });
    assert.deepEqual(result.json(), {
      batchItemFailures: [{ itemIdentifier: '2' }],
      traceId: '1-65f1a2b3-0123456789abcdef01234567',
      sampled: true,
    });
    const invocation = fn.xray.documents.find(({ name }) => name === 'Invocation')!;
    const mine = fn.xray.documents.find(({ name }) => name === '## work')!;
    assert.equal(mine.parent_id, invocation.id);
    assert.deepEqual(mine.annotations, { records: 3 });
  }
  const records = fn.emulator.logs
    .filter((line) => line.startsWith('{') && line.includes('"message":"record"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    records.map(({ function_request_id: id, cold_start: isCold }) => [id, isCold]),
    ['first', 'first', 'first', 'second', 'second', 'second'].map((id) => [id, id === 'first']),
  );
  assert.equal(records[0]!.xray_trace_id, '1-65f1a2b3-0123456789abcdef01234567');
  assert.equal(fn.emulator.logs.filter((line) => line.includes('"_aws"')).length, 2);
});

testBundles('middy', async (fn) => {
  const post = (body: object): object => httpEvent('POST', '/', { body: JSON.stringify(body) });
  const good = (await fn.invoke(post({ a: 1 }))).json() as HttpResult;
  assert.deepEqual([good.statusCode, JSON.parse(good.body)], [200, { parsed: { a: 1 } }]);
  const bad = (await fn.invoke(post({ fails: true }))).json() as HttpResult;
  assert.deepEqual([bad.statusCode, bad.body], [418, 'teapot']);
});

testBundles('express', async (fn) => {
  const get = (await fn.invoke(httpEvent('GET', '/hello/world?x=1'))).json() as HttpResult;
  assert.equal(get.statusCode, 200);
  assert.equal(get.headers!['x-served-by'], 'express');
  assert.deepEqual(JSON.parse(get.body), { hello: 'world', query: { x: '1' } });
  const post = (await fn.invoke(httpEvent('POST', '/echo', { body: '{"a":1}' }))).json() as HttpResult;
  assert.deepEqual([post.statusCode, JSON.parse(post.body)], [201, { a: 1 }]);
  const failed = (await fn.invoke(httpEvent('GET', '/fails'))).json() as HttpResult;
  assert.deepEqual([failed.statusCode, JSON.parse(failed.body)], [500, { error: 'in express' }]);
});

testBundles('hono', async (fn) => {
  const result = (await fn.invoke(httpEvent('GET', '/hello/world'), { requestId: 'mine' })).json() as HttpResult;
  assert.equal(result.statusCode, 200);
  assert.deepEqual(JSON.parse(result.body), { hello: 'world', id: 'mine' });
});

testBundles(
  'hono',
  async (fn) => {
    const result = await fn.invoke(httpEvent('GET', '/stream'), { invokeMode: 'streaming' });
    assert.equal(result.contentType, 'application/vnd.awslambda.http-integration-response');
    const end = result.payload.indexOf(Buffer.alloc(8));
    assert.equal(JSON.parse(result.payload.subarray(0, end).toString()).statusCode, 200);
    assert.equal(result.payload.subarray(end + 8).toString(), 'one two three');
  },
  { handler: 'index.streamed' },
);

const requests: { method: string; url: string; target: string; traceHeader: string }[] = [];
const service = createServer((request, response) => {
  const { method = '', url = '', headers } = request;
  const target = `${headers['x-amz-target'] ?? ''}`;
  requests.push({ method, url, target, traceHeader: `${headers['x-amzn-trace-id'] ?? ''}` });
  request.resume().on('end', () => {
    if (target === '') response.end('the contents');
    else
      response
        .setHeader('content-type', 'application/x-amz-json-1.0')
        .end('{"Item":{"id":{"S":"7"},"count":{"N":"2"}}}');
  });
});
await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
service.unref();
const environment = { TEST_ENDPOINT: `http://127.0.0.1:${(service.address() as AddressInfo).port}` };

testBundles(
  'bundled-sdk',
  async (fn) => {
    requests.length = 0;
    assert.equal((await fn.invoke({ key: 'a b' })).json(), 'the contents');
    assert.equal(requests.length, 1);
    assert.match(requests[0]!.url, /^\/bucket\/a%20b/);
    assert.match(requests[0]!.traceHeader, /^Root=1-/);
  },
  { environment },
);

testBundles(
  'layer-sdk',
  async (fn) => {
    requests.length = 0;
    assert.deepEqual((await fn.invoke({ id: '7' })).json(), { id: '7', count: 2 });
    assert.equal(requests[0]!.target, 'DynamoDB_20120810.GetItem');
    assert.match(requests[0]!.traceHeader, /^Root=1-/);
  },
  { environment, external: ['@aws-sdk/*'] },
);
