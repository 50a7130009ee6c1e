// The file that Node runs, spanstrap/start.cjs in the layer. It loads the runtime bundle and hands it what only a file loaded
// by Node's own CommonJS loader has. Nothing else belongs here: it is compiled without a code cache on every cold start.

import { compileBundle, evaluateBundle } from './bundle-script.ts';
import type { Host } from './host.ts';

const loaded: Record<string, object> = {};
const required: Record<string, unknown> = {};

/** Every file of a bundle asks for itself, and Node's own function takes 5 us to answer. */
const requireOnce = (name: string): unknown => {
  required[name] ??= require(name);
  return required[name];
};

const loadBundle = (name: string): object => {
  loaded[name] ??= evaluateBundle(compileBundle(__dirname, name), requireOnce);
  return loaded[name];
};

const packagesFolder = `${__dirname.slice(0, __dirname.lastIndexOf('/'))}/nodejs/node_modules`;

const host: Host = { loadBundle, importModule: (specifier) => import(specifier), packagesFolder, require };

(loadBundle('runtime') as { main(host: Host): unknown }).main(host);
