// Start file of the build's last step on the code caches; not in the layer. V8 numbers functions in the order in which they were
// first called, and writes the numbers into the cache; with sockets that order is not the same in each warm-up. Reading a cache
// numbers them anew, in the order in which they stand in it: what is written then depends only on what was compiled.
// arguments: the folder of the bundles and caches, then their names.

import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { wrapBundle } from '../bootstrap/bundle-script.ts';

const [folder, ...names] = process.argv.slice(2) as [string, ...string[]];

// Started with a fixed --hash-seed like the warm-up; a cache is only taken under the flags that it was made with.
setFlagsFromString('--hash-seed=0');

for (const name of names) {
  const script = new Script(wrapBundle(readFileSync(`${folder}/${name}.cjs`, 'latin1')), {
    // V8 writes the file name into the cache, but takes the loader's when it reads one.
    filename: `/opt/spanstrap/${name}.cjs`,
    cachedData: readFileSync(`${folder}/${name}.cache`),
  });
  if (script.cachedDataRejected !== false)
    throw new Error(`V8 rejects the code cache of ${name} that it has just made`);
  writeFileSync(`${folder}/${name}.cache`, script.createCachedData());
}
