// Whose route it is: the code's, the gateway's or the router's; which invocation's, and when nobody looks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADER, startFunctionWith } from '../outgoing/outgoing-stand.ts';
import type { FunctionOptions, FunctionUnderTest } from '../support/function-under-test.ts';
import { type Framework, httpEvent, provideRouters, startRouter } from './router-functions.ts';

const provided = await provideRouters('current');
const skip = 'missing' in provided ? provided.missing : false;
const folder = 'folder' in provided ? provided.folder : '';

const serverOf = (fn: FunctionUnderTest) => fn.otlp.spans.findLast(({ kind }) => kind === 2)!;
const routeOf = (fn: FunctionUnderTest) => {
  const { name, flat } = serverOf(fn);
  return [name, flat['http.route']];
};

const restEvent = (path: string, resource: string): object => ({
  httpMethod: 'GET',
  path,
  resource,
  headers: { host: 'example.com' },
  requestContext: { stage: 'prod', resourcePath: resource, httpMethod: 'GET', apiId: 'api', requestId: 'id' },
  isBase64Encoded: false,
});

const balancerEvent = (path: string): object => ({
  httpMethod: 'GET',
  path,
  queryStringParameters: {},
  headers: { host: 'example.com' },
  body: '',
  isBase64Encoded: false,
  requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/1' } },
});

test('a gateway knows better than a router, unless its route is a catch-all', { skip }, async () => {
  await using fn = await startRouter('express', 'require', folder);
  for (const [event, route] of [
    [httpEvent('GET', '/orders/7', '$default'), '/orders/:id'],
    [httpEvent('GET', '/orders/7', 'ANY /{proxy+}'), '/orders/:id'],
    [httpEvent('GET', '/orders/7', 'GET /orders/{rest+}'), '/orders/:id'],
    [httpEvent('GET', '/orders/7', 'GET /orders/{orderId}'), '/orders/{orderId}'],
    [httpEvent('GET', '/missing', 'ANY /{proxy+}'), '/{proxy+}'],
    [restEvent('/orders/7', '/{proxy+}'), '/orders/:id'],
    [restEvent('/orders/7', '/orders/{orderId}'), '/orders/{orderId}'],
    [balancerEvent('/orders/7'), '/orders/:id'],
  ] as const) {
    await fn.invoke(event, { traceHeader: HEADER });
    assert.deepEqual(routeOf(fn), [`GET ${route}`, route]);
  }
});

test('X-Ray has it where it has the one that the code says', { skip }, async () => {
  await using fn = await startRouter('fastify', 'require', folder);
  await fn.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER });
  assert.equal(routeOf(fn)[1], '/orders/:id');
  const found = JSON.stringify(fn.xray.documents).match(/"http\.route":"[^"]*"/g);
  await using said = await startFunctionWith(undefined, {
    files: { 'index.mjs': saying("async () => { setRoute('/orders/:id'); return { statusCode: 200 }; }") },
  });
  await said.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER });
  assert.deepEqual(JSON.stringify(said.xray.documents).match(/"http\.route":"[^"]*"/g), found);
  assert.deepEqual(found, ['"http.route":"/orders/:id"']);
});

const saying = (handler: string): string => `import { setRoute } from 'spanstrap'; export const handler = ${handler};`;

test('what the code says with setRoute wins, before the router or after it', { skip }, async () => {
  for (const [before, inside] of [
    ["setRoute('/said');", ''],
    ['', "setRoute('/said');"],
  ]) {
    const source = `import express from 'express'; import serverless from 'serverless-http'; import { setRoute } from 'spanstrap';
      const app = express();
      app.get('/orders/:id', (request, response) => { ${inside} response.json({}); });
      const handle = serverless(app);
      export const handler = async (event, context) => { ${before} return await handle(event, context); };`;
    await using fn = await startFunctionWith(folder, { files: { 'index.mjs': source } });
    for (const routeKey of ['$default', 'ANY /{proxy+}']) {
      await fn.invoke(httpEvent('GET', '/orders/7', routeKey), { traceHeader: HEADER });
      assert.deepEqual(routeOf(fn), ['GET /said', '/said']);
    }
  }
});

test('an event that is not HTTP has no route, whatever is asked of an app', { skip }, async () => {
  const source = `import fastify from 'fastify';
    const app = fastify(); app.get('/orders/:id', async () => 'ok');
    export const handler = async () => (await app.inject('/orders/7')).body;`;
  await using fn = await startFunctionWith(folder, { files: { 'index.mjs': source } });
  assert.equal((await fn.invoke({ some: 'event' }, { traceHeader: HEADER })).json(), 'ok');
  assert.deepEqual(routeOf(fn), ['test-function', undefined]);
});

for (const framework of ['express', 'fastify', 'hono'] as const) {
  test(`invocations at once, each with its own route: ${framework}`, { skip }, async () => {
    await using fn = await startRouter(framework, 'import', folder, { maxConcurrency: 4 });
    const asked = [
      ['/meets/4/one', '/meets/:count/:kind'],
      ['/gathers/4', '/gathers/:count'],
      ['/meets/4/two', '/meets/:count/:kind'],
      ['/missing', undefined],
      ['/gathers/4', '/gathers/:count'],
    ] as const;
    const traceOf = (index: number): string => `65f1a2b${index}0123456789abcdef01234567`;
    await Promise.all(
      asked.map(([path], index) =>
        fn.invoke(httpEvent('GET', path), { traceHeader: HEADER.replace('65f1a2b3', `65f1a2b${index}`) }),
      ),
    );
    for (const [index, [path, route]] of asked.entries()) {
      const server = await fn.otlp.waitFor(
        ({ spans }) => spans.find(({ kind, traceId }) => kind === 2 && traceId === traceOf(index)),
        `the span of ${path}`,
      );
      assert.deepEqual([server.flat['url.path'], server.flat['http.route']], [path, route]);
    }
  });

  test(`switched off: ${framework}`, { skip }, async () => {
    for (const environment of [
      { OTEL_NODE_DISABLED_INSTRUMENTATIONS: framework },
      { OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,aws-sdk' },
    ]) {
      for (const shape of ['require', 'import'] as const) {
        await using fn = await startRouter(framework, shape, folder, { environment });
        await fn.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER });
        assert.deepEqual(routeOf(fn), ['GET', undefined]);
      }
    }
    const others = ['http2', ...['express', 'fastify', 'hono'].filter((name) => name !== framework)].join();
    await using fn = await startRouter(framework, 'import', folder, {
      environment: { OTEL_NODE_DISABLED_INSTRUMENTATIONS: others },
    });
    await fn.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER });
    assert.equal(routeOf(fn)[1], '/orders/:id', 'it alone is on');
  });
}

/** By the adapters that are not in the functions of the other tests. */
const ADAPTERS: readonly (readonly [what: string, files: string | FunctionOptions['files']])[] = [
  [
    '@codegenie/serverless-express',
    `import express from 'express'; import adapt from '@codegenie/serverless-express';
      const app = express(); app.get('/orders/:id', (request, response) => response.json({}));
      export const handler = adapt({ app });`,
  ],
  [
    'serverless-http around fastify, made in the first invocation',
    `import serverless from 'serverless-http';
      let handle;
      export const handler = async (event, context) => {
        if (handle === undefined) {
          const { fastify } = await import('fastify');
          const app = fastify(); app.get('/orders/:id', async () => ({})); await app.ready();
          handle = serverless(app);
        }
        return await handle(event, context);
      };`,
  ],
  [
    'hono on a router of its own kind',
    `import { Hono } from 'hono/quick'; import { handle } from 'hono/aws-lambda';
      const app = new Hono(); app.get('/orders/:id', (c) => c.json({}));
      export const handler = handle(app);`,
  ],
  [
    'hono that modules of the function import in any order',
    {
      'index.mjs': `import { orders } from './orders.mjs'; import { Hono } from 'hono'; import { handle } from 'hono/aws-lambda';
        const again = await import('hono');
        if (again.Hono !== Hono || !import.meta.resolve('hono').endsWith('/hono/dist/index.js')) throw new Error('another one');
        const app = new Hono(); app.route('/', orders);
        export const handler = handle(app);`,
      'orders.mjs': `import { Hono } from 'hono';
        export const orders = new Hono(); orders.get('/orders/:id', (c) => c.json({}));`,
    },
  ],
  [
    'hono in an ES module that is required',
    {
      'index.cjs': `exports.handler = require('./app.mjs').handler;`,
      'app.mjs': `import { Hono } from 'hono'; import { handle } from 'hono/aws-lambda';
        const app = new Hono(); app.get('/orders/:id', (c) => c.json({}));
        export const handler = handle(app);`,
    },
  ],
  [
    'hono, tiny',
    `import { Hono } from 'hono/tiny'; import { handle } from 'hono/aws-lambda';
      const app = new Hono(); app.get('/orders/:id', (c) => c.json({}));
      export const handler = handle(app);`,
  ],
  [
    'an express app that is mounted in a hook of fastify',
    `import express from 'express'; import fastify from 'fastify'; import adapt from '@fastify/aws-lambda';
      const inner = express(); inner.get('/orders/:id', (request, response) => response.json({}));
      const app = fastify();
      app.all('/*', (request, reply) => { reply.hijack(); inner(request.raw, reply.raw); });
      export const handler = adapt(app);`,
  ],
];

for (const [what, files] of ADAPTERS) {
  test(`the route through ${what}`, { skip }, async () => {
    await using fn = await startFunctionWith(folder, {
      files: typeof files === 'string' ? { 'index.mjs': files } : files,
    });
    for (let times = 0; times < 2; times++) {
      const result = await fn.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER });
      assert.equal((result.json() as { statusCode: number }).statusCode, 200, fn.emulator.logs.join('\n'));
      assert.deepEqual(routeOf(fn), ['GET /orders/:id', '/orders/:id']);
      fn.otlp.clear();
    }
  });
}

for (const [kind, type, source] of [
  ['an ES module with a default export', 'module', 'export class Hono {}; export default "whole";'],
  ['a minified one', 'module', 'class H{}const w="whole";export{H as Hono,w as default};'],
  ['CommonJS', 'commonjs', 'module.exports = "whole";'],
] as const) {
  test(`${kind} that is called hono is imported as ever`, async () => {
    await using fn = await startFunctionWith(undefined, {
      files: {
        'node_modules/hono/package.json': JSON.stringify({ name: 'hono', version: '1.0.0', type, main: 'index.js' }),
        'node_modules/hono/index.js': source,
        'index.mjs': 'import whole from "hono"; export const handler = async () => whole;',
      },
    });
    assert.equal((await fn.invoke({})).json(), 'whole');
  });
}

test('hono, streaming its response', { skip }, async () => {
  const source = `import { Hono } from 'hono'; import { streamHandle } from 'hono/aws-lambda';
    const app = new Hono(); app.get('/orders/:id', (c) => c.text('one two'));
    export const handler = streamHandle(app);`;
  await using fn = await startFunctionWith(folder, { files: { 'index.mjs': source } });
  await fn.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER, invokeMode: 'streaming' });
  assert.deepEqual(routeOf(fn), ['GET /orders/:id', '/orders/:id']);
});

test('the route of a request that is never answered', { skip }, async () => {
  const frameworks: readonly Framework[] = ['express', 'fastify', 'hono'];
  for (const framework of frameworks) {
    await using fn = await startRouter(framework, 'require', folder);
    // It waits for another one, and nobody else comes.
    const result = await fn.invoke(httpEvent('GET', '/meets/2/alone'), { traceHeader: HEADER });
    assert.equal(result.errorType, 'Runtime.NodeJsExit');
    assert.deepEqual(routeOf(fn), ['GET /meets/:count/:kind', '/meets/:count/:kind']);
  }
});

test('the route of a request that takes too long', { skip }, async () => {
  const source = `import express from 'express'; import serverless from 'serverless-http';
    const app = express();
    app.get('/orders/:id', () => void setInterval(() => {}, 1000));
    export const handler = serverless(app);`;
  await using fn = await startFunctionWith(folder, { files: { 'index.mjs': source }, timeoutMs: 2000 });
  const result = await fn.invoke(httpEvent('GET', '/orders/7'), { traceHeader: HEADER });
  assert.equal(result.status, 'timeout');
  const server = await fn.otlp.waitFor(({ spans }) => spans.findLast(({ kind }) => kind === 2), 'the SERVER span');
  assert.deepEqual([server.name, server.flat['http.route']], ['GET /orders/:id', '/orders/:id']);
});
