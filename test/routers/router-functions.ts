// Functions whose routes are found by routers in them, in all shapes in which functions are deployed, and the events that ask them.

import { fileURLToPath } from 'node:url';
import { installLocked } from '../../layer/locked-install.ts';
import { BuildError } from '../../layer/progress.ts';
import { shapesOf } from '../outgoing/function-shapes.ts';
import { startFunctionWith } from '../outgoing/outgoing-stand.ts';
import type { FunctionOptions, FunctionUnderTest } from '../support/function-under-test.ts';

/** The folders of manifests. */
export type RouterPackages = 'current' | 'express-4' | 'express-5-1';
export type Framework = 'express' | 'fastify' | 'hono';
export type Shape = 'require' | 'import' | 'esbuild CJS' | 'esbuild ESM' | 'esbuild minified';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The folder with the packages in its node_modules; a machine that cannot install them says why. */
export async function provideRouters(
  packages: RouterPackages,
): Promise<{ readonly folder: string } | { readonly missing: string }> {
  try {
    return await installLocked(`test-routers-${packages}`, pathOf(packages));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return { missing: `the packages of test/routers/${packages} cannot be installed: ${error.message.split('\n')[0]}` };
  }
}

export async function startRouter(
  framework: Framework,
  shape: Shape,
  packages: string,
  options: Partial<FunctionOptions> = {},
): Promise<FunctionUnderTest> {
  const [one] = await shapesOf(pathOf(`functions/${framework}.mjs`), packages, [shape]);
  const { file, isBundled } = one!;
  return await startFunctionWith(isBundled ? undefined : packages, { files: { [file[0]]: file[1] }, ...options });
}

/** As API Gateway's HTTP API sends it. */
export const httpEvent = (method: string, path: string, routeKey = '$default', headers: object = {}): object => ({
  version: '2.0',
  routeKey,
  rawPath: path,
  rawQueryString: '',
  headers: { host: 'example.com', ...(method === 'POST' && { 'content-type': 'application/json' }), ...headers },
  requestContext: {
    apiId: 'api',
    domainName: 'example.com',
    http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
    requestId: 'id',
    routeKey,
    stage: '$default',
    timeEpoch: 1_767_225_600_000,
  },
  ...(method === 'POST' && { body: '{}' }),
  isBase64Encoded: false,
});
