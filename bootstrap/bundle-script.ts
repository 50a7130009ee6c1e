// One bundle of the layer as a V8 script with its code cache: how start.cjs loads them, and how the build warms them, which
// must agree to the letter because a cache belongs to one source text.

import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';

// As they were before user code could replace them: most bundles are loaded after that.
const read = readFileSync;
const PristineScript = Script;

type Require = (name: string) => unknown;
type BundleFunction = (exports: object, require: Require, module: { exports: object }) => void;

/** The text that is compiled: the bundle as the body of a function, as Node's CommonJS loader does it. */
export const wrapBundle = (code: string): string => `(function (exports, require, module) {${code}\n})`;

/**
 * Compiles `folder/name.cjs` with `folder/name.cache`. An absent cache, and one that V8 rejects (another Node, a flag in
 * NODE_OPTIONS that changes V8's flag hash), mean an ordinary compilation and nothing else.
 */
export const compileBundle = (folder: string, name: string): Script => {
  let cachedData: Buffer | undefined;
  try {
    cachedData = read(`${folder}/${name}.cache`);
  } catch {}
  const filename = `${folder}/${name}.cjs`;
  // The build writes ASCII; latin1 is read without decoding and kept with one byte per character.
  const source = wrapBundle(read(filename, 'latin1'));
  return new PristineScript(source, cachedData === undefined ? filename : { filename, cachedData });
};

/** Runs a compiled bundle and returns its exports. */
export const evaluateBundle = (script: Script, require: Require): object => {
  const module = { exports: {} };
  (script.runInThisContext() as BundleFunction)(module.exports, require, module);
  return module.exports;
};
