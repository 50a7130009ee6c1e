// `globalThis.gc`, which the managed runtimes have by --expose-gc. That flag on the command line would make V8 reject the
// layer's code caches, so the function is fetched when user code first asks for it.

/** Defines the property unless there is one; user code may replace it. Default: `globalThis`. */
export function offerGarbageCollector(globals: { gc?: unknown } = globalThis): void {
  if ('gc' in globals) return;
  const define = (value: unknown): void => {
    Object.defineProperty(globals, 'gc', { value, writable: true, configurable: true, enumerable: true });
  };
  Object.defineProperty(globals, 'gc', {
    configurable: true,
    enumerable: true,
    get() {
      // Not imported above: nobody pays for them at start.
      const { setFlagsFromString } = process.getBuiltinModule('node:v8');
      const { runInNewContext } = process.getBuiltinModule('node:vm');
      setFlagsFromString('--expose-gc');
      const collect: unknown = runInNewContext('gc');
      // Code caches that are loaded later have the hash of the flags without it.
      setFlagsFromString('--no-expose-gc');
      define(collect);
      return collect;
    },
    set: define,
  });
}
