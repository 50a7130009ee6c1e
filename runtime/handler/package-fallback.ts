// Packages of layers for `import`: Node looks into the NODE_PATH folders for `require` only. What the function has itself
// is always found first. A missing AWS SDK client gets an error that says which ones there are.
// Source: Lambda Developer Guide, "Working with layers for Node.js Lambda functions"; Node.js, "module.registerHooks".

import { readdirSync } from 'node:fs';
import { type ResolveFnOutput, type ResolveHookContext, registerHooks } from 'node:module';
import { basename, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runtimeError } from '../errors.ts';

export type PackageFallbackOptions = {
  /** The layer's own packages, searched last. */
  readonly layerPackages: string;
  /** `NODE_PATH` as user code may have changed it. */
  nodePath(): string | undefined;
};

type Resolve = (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput;

const SDK_SCOPE = '@aws-sdk/';
const NOT_FOUND: readonly unknown[] = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];

/** Is told of every resolution, of `import` and of `require`. Must not throw. */
export type ResolutionWatcher = {
  resolving(context: ResolveHookContext): void;
  found(url: string, context: ResolveHookContext): void;
};

/** Every further hook would cost each module 8 µs: who wants to know asks the one there is. */
export type Resolution = { watch(watcher: ResolutionWatcher | undefined): void };

/** Installs the search; to be called once, before user code is loaded. */
export function installPackageFallback(options: PackageFallbackOptions): Resolution {
  let watcher: ResolutionWatcher | undefined;
  const find = (specifier: string, context: ResolveHookContext, next: Resolve): ResolveFnOutput => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!isPackage(specifier) || !isNotFound(error)) throw error;
      const found = search(specifier, context, next, options);
      if (found !== undefined) return found;
      throw specifier.startsWith(SDK_SCOPE) ? sdkClientMissing(error, options) : error;
    }
  };
  registerHooks({
    resolve(specifier, context, next) {
      watcher?.resolving(context);
      const found = find(specifier, context, next);
      watcher?.found(found.url, context);
      return found;
    },
  });
  return {
    watch(wanted) {
      watcher = wanted;
    },
  };
}

const isPackage = (specifier: string): boolean => /^[^./#]/.test(specifier) && !/^[a-z-]+:/.test(specifier);

const isNotFound = (error: unknown): boolean => NOT_FOUND.includes((error as NodeJS.ErrnoException | null)?.code);

function search(
  specifier: string,
  context: ResolveHookContext,
  next: Resolve,
  options: PackageFallbackOptions,
): ResolveFnOutput | undefined {
  const { layerPackages } = options;
  // `require` has been through NODE_PATH already.
  if (!context.conditions.includes('import')) return attempt(() => next(join(layerPackages, specifier)));
  const folders = (options.nodePath() ?? '').split(':').filter(isAbsolute);
  for (const folder of [...folders, layerPackages]) {
    const found = attempt(() =>
      basename(folder) === 'node_modules'
        ? next(specifier, { ...context, parentURL: pathToFileURL(join(folder, 'import')).href })
        : next(pathToFileURL(commonJsPath(folder, specifier)).href),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A folder that is no node_modules holds packages as `require` finds them: by `main`, never by `exports`. */
function commonJsPath(folder: string, specifier: string): string {
  const { createRequire } = process.getBuiltinModule('node:module');
  return createRequire(join(folder, 'import')).resolve(join(folder, specifier));
}

function attempt(resolve: () => ResolveFnOutput): ResolveFnOutput | undefined {
  try {
    return resolve();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** User code may have a way round a missing module: it finds the original's code. */
function sdkClientMissing(cause: unknown, { layerPackages }: PackageFallbackOptions): Error {
  const error = runtimeError('SdkClientMissing', { cause, clients: listSdkClients(layerPackages) });
  return Object.defineProperty(error, 'code', { value: (cause as NodeJS.ErrnoException).code });
}

/** What functions import themselves; the rest of the scope serves these. */
function listSdkClients(layerPackages: string): string {
  let names: string[] = [];
  try {
    names = readdirSync(join(layerPackages, SDK_SCOPE));
  } catch {}
  const offered = names.filter((name) => /^(?:client|lib)-|^credential-providers$|signer$|^util-/.test(name));
  return offered.length === 0 ? 'nothing' : offered.sort().join(', ');
}
