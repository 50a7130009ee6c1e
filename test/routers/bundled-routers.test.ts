// The doctor finds frameworks in real bundles, minified or not, whose routes cannot be found there.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { findBundledClients } from '../../bootstrap/doctor/bundled-clients.ts';
import { makeFolder } from '../support/temporary-folder.ts';
import { provideRouters, type RouterPackages } from './router-functions.ts';

const cases: readonly (readonly [packages: RouterPackages, framework: string, found: readonly string[]])[] = [
  ['current', 'express', []],
  ['current', 'fastify', []],
  ['current', 'hono', ['hono']],
  ['express-5-1', 'express', ['express']],
  ['express-4', 'express', ['express']],
  ['express-4', 'fastify', []],
];

for (const [packages, framework, expected] of cases) {
  test(`${framework} of ${packages}, bundled`, async (t) => {
    const provided = await provideRouters(packages);
    if ('missing' in provided) return t.skip(provided.missing);
    const root = makeFolder(t, {});
    for (const minify of [false, true]) {
      const file = join(root, minify ? 'minified.js' : 'index.js');
      await build({
        stdin: { contents: `exports.handler = () => require('${framework}');`, resolveDir: provided.folder },
        bundle: true,
        platform: 'node',
        minify,
        outfile: file,
        logLevel: 'silent',
      });
      const found = findBundledClients([file], root).map(({ client }) => client);
      assert.deepEqual(found, expected, minify ? 'minified' : 'not minified');
    }
  });
}
