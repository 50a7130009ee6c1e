// Routes that routers in the function match: the real frameworks, in the built layer, unchanged functions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADER } from '../outgoing/outgoing-stand.ts';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import {
  type Framework,
  httpEvent,
  provideRouters,
  type RouterPackages,
  type Shape,
  startRouter,
} from './router-functions.ts';

/** `route` of the request; undefined: none is found. */
type Case = readonly [method: string, path: string, status: number, route: string | undefined];

const EXPRESS: readonly Case[] = [
  ['GET', '/orders/42', 200, '/orders/:id'],
  ['HEAD', '/orders/42', 200, '/orders/:id'],
  ['POST', '/orders', 200, '/orders'],
  ['GET', '/', 200, '/'],
  ['PUT', '/any', 200, '/any'],
  ['GET', '/v12', 200, '/^\\/v\\d+$/'],
  ['GET', '/fails/1', 500, '/fails/:id'],
  ['GET', '/passes/1', 200, '/:first/:second'],
  ['GET', '/api/health', 200, '/api/health'],
  ['GET', '/api/tenants/7', 200, '/api/tenants/:tenant'],
  ['GET', '/api/tenants/7/items/9', 200, '/api/tenants/:tenant/items/:item'],
  ['GET', '/api/tenants/tenants/items/items', 200, '/api/tenants/:tenant/items/:item'],
  ['GET', '/inner/west/things/1', 200, '/inner/:area/things/:thing'],
  ['GET', '/missing', 404, undefined],
  ['GET', '/api/tenants/7/missing', 404, undefined],
  ['DELETE', '/orders/42', 404, undefined],
];

const FASTIFY: readonly Case[] = [
  ['GET', '/orders/42', 200, '/orders/:id'],
  ['HEAD', '/orders/42', 200, '/orders/:id'],
  ['POST', '/orders', 200, '/orders'],
  ['GET', '/', 200, '/'],
  ['GET', '/fails/1', 500, '/fails/:id'],
  ['GET', '/numbers/one', 400, '/numbers/:n'],
  ['GET', '/asks/1', 200, '/asks/:id'],
  ['GET', '/api/tenants/7/items/9', 200, '/api/tenants/:tenant/items/:item'],
  ['GET', '/api/files/a/b', 200, '/api/files/*'],
  ['GET', '/missing', 404, undefined],
  ['GET', '/api/missing', 404, undefined],
  ['DELETE', '/orders/42', 404, undefined],
];

const HONO: readonly Case[] = [
  ['GET', '/orders/42', 200, '/orders/:id'],
  ['HEAD', '/orders/42', 200, '/orders/:id'],
  ['POST', '/orders', 200, '/orders'],
  ['GET', '/', 200, '/'],
  ['PUT', '/any', 200, '/any'],
  ['GET', '/fails/1', 500, '/fails/:id'],
  ['GET', '/asks/1', 200, '/asks/:id'],
  ['GET', '/api/tenants/7/items/9', 200, '/api/tenants/:tenant/items/:item'],
  ['GET', '/missing', 404, undefined],
  ['GET', '/api/missing', 404, undefined],
  ['DELETE', '/orders/42', 404, undefined],
];

const bundles: readonly Shape[] = ['esbuild CJS', 'esbuild ESM', 'esbuild minified'];

type Row = {
  readonly framework: Framework;
  readonly packages: RouterPackages;
  readonly cases: readonly Case[];
  /** What of a bundle cannot be hooked is not found. */
  readonly inBundles: boolean;
};

const ROWS: Readonly<Record<string, Row>> = {
  'express 5.3': {
    framework: 'express',
    packages: 'current',
    cases: [...EXPRESS, ['GET', '/either-b', 200, '/either-b']],
    inBundles: true,
  },
  'express 5.1': {
    framework: 'express',
    packages: 'express-5-1',
    cases: [...EXPRESS, ['GET', '/either-b', 200, '/either-a,/either-b']],
    inBundles: false,
  },
  'express 4': {
    framework: 'express',
    packages: 'express-4',
    cases: [...EXPRESS, ['GET', '/either-b', 200, '/either-a,/either-b']],
    inBundles: false,
  },
  'fastify 5': { framework: 'fastify', packages: 'current', cases: FASTIFY, inBundles: true },
  'fastify 4': { framework: 'fastify', packages: 'express-4', cases: FASTIFY, inBundles: true },
  'hono 4': { framework: 'hono', packages: 'current', cases: HONO, inBundles: false },
};

const serverOf = (fn: FunctionUnderTest) => fn.otlp.spans.findLast(({ kind }) => kind === 2)!;

/** The last invocation, in OTLP and in X-Ray. */
function assertRoute(fn: FunctionUnderTest, method: string, route: string | undefined): void {
  const { name, flat } = serverOf(fn);
  assert.deepEqual([name, flat['http.route']], [route === undefined ? method : `${method} ${route}`, route]);
}

for (const [name, { framework, packages, cases, inBundles }] of Object.entries(ROWS)) {
  for (const shape of ['require', 'import', ...bundles] as const) {
    const isBundled = shape.startsWith('esbuild');
    test(`${name}: ${shape}`, async (t) => {
      const provided = await provideRouters(packages);
      if ('missing' in provided) return t.skip(provided.missing);
      await using fn = await startRouter(framework, shape, provided.folder);
      for (const [method, path, status, route] of cases) {
        await t.test(`${method} ${path}`, async () => {
          const result = await fn.invoke(httpEvent(method, path), { traceHeader: HEADER });
          const { statusCode } = result.json() as { statusCode: number };
          assert.equal(statusCode, status, fn.emulator.logs.join('\n'));
          assertRoute(fn, method, isBundled && !inBundles ? undefined : route);
        });
      }
      assert.equal(fn.emulator.generation, 1);
      assert.deepEqual(
        fn.emulator.logs.filter((line) => line.includes('spanstrap')),
        [],
      );
    });
  }
}
