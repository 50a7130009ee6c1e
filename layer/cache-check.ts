// Start file of the build's check that V8 accepts the code caches; not in the layer. Prints the names of the bundles whose cache
// is rejected, separated by spaces.
// arguments: the folder of the bundles and caches, then their names.

import { compileBundle } from '../bootstrap/bundle-script.ts';

const [folder, ...names] = process.argv.slice(2) as [string, ...string[]];
process.stdout.write(names.filter((name) => compileBundle(folder, name).cachedDataRejected !== false).join(' '));
