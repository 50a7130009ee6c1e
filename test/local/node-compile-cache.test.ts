// Names of files in Node's compile cache, against Node itself.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { cacheFileName } from '../../local/node-compile-cache.ts';
import { run } from '../support/child-process.ts';
import { makeFolder } from '../support/temporary-folder.ts';

test('are the checksum that zlib has, over the kind and the file or its URL', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean(), (path, isModule) => {
      const name = isModule ? pathToFileURL(`/var/task/${path}`).href : `/var/task/${path}`;
      const expected = crc32(Buffer.concat([Buffer.of(isModule ? 1 : 0), Buffer.from(name)]));
      assert.equal(cacheFileName(`/var/task/${path}`, isModule), expected.toString(16).padStart(8, '0'));
    }),
  );
});

test('are those that this Node uses itself', async (t) => {
  const folder = makeFolder(t, { 'a.cjs': 'exports.a = 1;', 'b ü.mjs': 'export const b = 2;' });
  const caches = join(folder, 'caches');
  const script = "require('./a.cjs'); import('./b ü.mjs');";
  const { code, stderr } = await run(['-e', script], { cwd: folder, env: { NODE_COMPILE_CACHE: caches } });
  assert.equal(code, 0, stderr);
  const [tag] = readdirSync(caches);
  const names = readdirSync(join(caches, tag!));
  assert.ok(names.includes(cacheFileName(join(folder, 'a.cjs'), false)));
  assert.ok(names.includes(cacheFileName(join(folder, 'b ü.mjs'), true)));
});
