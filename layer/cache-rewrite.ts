// Start file of the build's last step on the code caches; not in the layer. V8 numbers functions in the order in which they were
// first called, and writes the numbers into the cache; with sockets that order is not the same in each warm-up. Reading a cache
// numbers them anew, in the order in which they stand in it: what is written then depends only on what was compiled.
// arguments: the folder of the bundles and caches, then their names.

import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { wrapBundle } from '../bootstrap/bundle-script.ts';

const [folder, ...names] = process.argv.slice(2) as [string, ...string[]];

// This process has the fixed --hash-seed of the warm-up, but the cache must have the flag hash of a Node without one.
setFlagsFromString('--hash-seed=0');

/** The fourth word of a cache's header is a hash of V8's flags; V8 rejects the cache under flags with another one. */
const FLAG_HASH = { start: 12, end: 16 } as const;
const flagHash = new Script('0').createCachedData().subarray(FLAG_HASH.start, FLAG_HASH.end);

for (const name of names) {
  const cachedData = readFileSync(`${folder}/${name}.cache`);
  // The warm-up had flags of its own, none of which changes bytecode.
  cachedData.set(flagHash, FLAG_HASH.start);
  const script = new Script(wrapBundle(readFileSync(`${folder}/${name}.cjs`, 'latin1')), {
    // V8 writes the file name into the cache, but takes the loader's when it reads one.
    filename: `/opt/spanstrap/${name}.cjs`,
    cachedData,
  });
  if (script.cachedDataRejected !== false)
    throw new Error(`V8 rejects the code cache of ${name} that it has just made`);
  writeFileSync(`${folder}/${name}.cache`, script.createCachedData());
}
