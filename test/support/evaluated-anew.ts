// A module of ours evaluated once more, with the built-ins as they are by then, such as `mock.timers`: what the first copy of
// runtime/untouched.ts took is no longer good for it.

import { registerHooks } from 'node:module';

const TAKEN = Symbol.for('spanstrap.untouched');
let copies = 0;

/**
 * Paths are from the root of the repository. What the module imports is not evaluated anew, but for the built-ins and
 * `alsoAnew`.
 */
export async function evaluateAnew<Module>(path: string, alsoAnew: readonly string[] = []): Promise<Module> {
  const mark = `?anew=${copies++}`;
  const anew = ['runtime/untouched.ts', ...alsoAnew];
  const taken = Object.getOwnPropertyDescriptor(globalThis, TAKEN);
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolution = nextResolve(specifier, context);
      const isWanted = context.parentURL?.endsWith(mark) && anew.some((one) => resolution.url.endsWith(`/${one}`));
      return isWanted ? { ...resolution, url: resolution.url + mark } : resolution;
    },
  });
  Reflect.deleteProperty(globalThis, TAKEN);
  try {
    return await import(new URL(`../../${path}${mark}`, import.meta.url).href);
  } finally {
    hooks.deregister();
    Reflect.deleteProperty(globalThis, TAKEN);
    if (taken !== undefined) Object.defineProperty(globalThis, TAKEN, taken);
  }
}
