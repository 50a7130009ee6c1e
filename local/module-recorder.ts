// Runs inside the function's process while `spanstrap compile` has it run: notes which modules are loaded and, when told to,
// has Node write its compile cache for them as they are by then, with the functions in it that have been called.

/**
 * Is written out as text and preloaded, so it uses nothing from outside itself; `require` comes from a preloaded file under
 * --expose-internals. On SIGUSR2 it writes Node's cache files below `outFolder`, and then `modules.json` there:
 * `{ node, arch, v8, modules: [{ file, isModule }] }`, or `{ error }`.
 */
export function recordModules(require: NodeJS.Require, outFolder: string): void {
  const fs = process.getBuiltinModule('node:fs');
  const v8 = process.getBuiltinModule('node:v8');
  const { Script } = process.getBuiltinModule('node:vm');
  const { fileURLToPath, pathToFileURL } = process.getBuiltinModule('node:url');
  const { registerHooks, enableCompileCache, flushCompileCache } = process.getBuiltinModule('node:module');

  // As in the build's own warm-up: nothing that V8 does by the clock may reach the cache. The switches go back before the cache
  // is made, because the hash of the flags is in it.
  const switches = ['flush-bytecode', 'sparkplug', 'maglev', 'turbofan'];
  for (const name of switches) v8.setFlagsFromString(`--no-${name}`);

  const formats = new Map<string, string>();
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (url.startsWith('file:')) formats.set(fileURLToPath(url), loaded.format ?? 'commonjs');
      return loaded;
    },
  });

  type Internals = {
    ModuleWrap: new (url: string, context: undefined, source: string, line: 0, column: 0, option: symbol) => object;
    compileFunctionForCJSLoader(source: string, file: string, isSingleExecutable: false, detectsModule: false): object;
    source_text_module_default_hdo: symbol;
  };

  const compileAll = (): object => {
    for (const name of switches) v8.setFlagsFromString(`--${name}`);
    const { internalBinding } = require('internal/test/binding') as { internalBinding(name: string): Internals };
    const { ModuleWrap } = internalBinding('module_wrap');
    const { source_text_module_default_hdo: dynamicImport } = internalBinding('symbols');
    const { compileFunctionForCJSLoader } = internalBinding('contextify');
    delete process.env.NODE_DISABLE_COMPILE_CACHE;
    const { message, directory } = enableCompileCache({ directory: outFolder, portable: false });
    if (directory === undefined) throw new Error(message ?? 'Node has its compile cache disabled');
    const modules: { file: string; isModule: boolean }[] = [];
    for (const [file, format] of formats) {
      // V8 finds what it has compiled of the same text under the same name, which Node then writes to the cache.
      try {
        const source = fs.readFileSync(file, 'utf8');
        const isModule = format === 'module';
        if (isModule) new ModuleWrap(pathToFileURL(file).href, undefined, source, 0, 0, dynamicImport);
        else if (format === 'commonjs') compileFunctionForCJSLoader(source, file, false, false);
        else continue;
        modules.push({ file, isModule });
      } catch {
        // A file that went away, or that is compiled in yet another way: it stays as it is.
      }
    }
    flushCompileCache();
    // As runtime/handler/compile-cache.ts looks at it.
    const v8Head = new Script('0').createCachedData().toString('hex', 0, 16);
    return { node: process.version, arch: process.arch, v8: v8Head, modules };
  };

  process.once('SIGUSR2', () => {
    let report: object;
    try {
      report = compileAll();
    } catch (error) {
      report = { error: (error as Error).message };
    }
    fs.writeFileSync(`${outFolder}/modules.partial`, JSON.stringify(report));
    fs.renameSync(`${outFolder}/modules.partial`, `${outFolder}/modules.json`);
    fs.writeSync(2, 'spanstrap compile: modules.json is written\n');
  });
}
