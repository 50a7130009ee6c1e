// The doctor finds real clients in real bundles, minified or not, and tells those that publish their calls from those that do not.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { findBundledClients } from '../../bootstrap/doctor/bundled-clients.ts';
import { makeFolder } from '../support/temporary-folder.ts';
import { type ClientPackages, provideClientPackages } from './client-packages.ts';

const cases: readonly (readonly [packages: ClientPackages, client: string, found: readonly string[]])[] = [
  ['older-clients', 'mysql2', ['mysql2']],
  ['older-clients', 'ioredis', ['ioredis']],
  ['older-clients', 'redis', ['redis']],
  ['clients', 'mongodb', ['mongodb']],
  ['clients', 'mysql2', []],
  ['clients', 'ioredis', []],
  ['clients', 'redis', []],
  ['clients', 'pg', []],
  ['clients', 'undici-8', []],
];

for (const [packages, client, expected] of cases) {
  test(`${client} of ${packages}, bundled`, async (t) => {
    const provided = await provideClientPackages(packages);
    if ('missing' in provided) return t.skip(provided.missing);
    const root = makeFolder(t, {});
    for (const minify of [false, true]) {
      const file = join(root, minify ? 'minified.js' : 'index.js');
      await build({
        stdin: { contents: `exports.handler = () => require('${client}');`, resolveDir: provided.folder },
        bundle: true,
        platform: 'node',
        minify,
        outfile: file,
        logLevel: 'silent',
        // Optional parts that are not installed.
        external: [
          'pg-native',
          '@mongodb-js/*',
          'snappy',
          'kerberos',
          'aws4',
          'socks',
          'gcp-metadata',
          'mongodb-client-encryption',
          '@aws-sdk/*',
        ],
      });
      const found = findBundledClients([file], root).map((one) => one.client);
      assert.deepEqual(found, expected, minify ? 'minified' : 'not minified');
    }
  });
}
