// Where the package `spanstrap` finds the layer. Nothing is loaded before a function calls it.

import type { CodeApi } from './code-api.ts';

const KEY = Symbol.for('spanstrap.api.1');

/** `load` is called at the first use. */
export function installCodeApi(load: () => CodeApi): void {
  let loaded: CodeApi | undefined;
  Object.defineProperty(globalThis, KEY, {
    configurable: true,
    get() {
      loaded ??= load();
      return loaded;
    },
  });
}
