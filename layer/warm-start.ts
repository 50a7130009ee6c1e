// Start file of the build's warm-up process, in the place of start.cjs; not in the layer. It runs the bundles like start.cjs
// and, when the warm-up handler says so, writes what V8 has compiled of each as its code cache.
// arguments: the folder of the bundles, the folder to write to.

import { readFileSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { evaluateBundle, wrapBundle } from '../bootstrap/bundle-script.ts';
import type { Host } from '../bootstrap/host.ts';

const [bundleFolder, cacheFolder] = process.argv.splice(2) as [string, string];

const scripts: Record<string, Script> = {};
const loaded: Record<string, object> = {};

const loadBundle = (name: string): object => {
  if (loaded[name] === undefined) {
    const source = wrapBundle(readFileSync(`${bundleFolder}/${name}.cjs`, 'latin1'));
    // V8 writes the file name into the cache, but takes the loader's when it reads one.
    const script = new Script(source, `/opt/spanstrap/${name}.cjs`);
    scripts[name] = script;
    loaded[name] = evaluateBundle(script, require);
  }
  return loaded[name]!;
};

const writeCaches = (): void => {
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(`${cacheFolder}/${name}.cache`, script.createCachedData());
  }
  // The runtime would tell of the invocation that does not come to its end.
  process.removeAllListeners('exit');
  process.exit(0);
};

Object.assign(globalThis, { spanstrapWarmUpEnded: writeCaches });

const host: Host = {
  loadBundle,
  importModule: (specifier) => import(specifier),
  packagesFolder: '/opt/nodejs/node_modules',
  require,
};

(loadBundle('runtime') as { main(host: Host): unknown }).main(host);
