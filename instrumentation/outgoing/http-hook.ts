// Puts itself between user code and `http.request`, in time for `require`, `import` and bundles alike, and costs nothing until
// a call is made inside a recorded invocation: `http` is not loaded for it, and neither is OpenTelemetry.

import type * as http from 'node:http';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import type { RequestFunctions } from './http-instrumentation.ts';

type HttpModule = 'http' | 'https';

export type HttpHookOptions = {
  /** Whether a call made here belongs to an invocation that is recorded. */
  isRecording(): boolean;
  /** Loads what traces; called at the first call that is to be traced, per module. */
  instrument(module: HttpModule, originals: RequestFunctions): RequestFunctions;
  /** The module as it is, without passing through this hook. */
  load(module: HttpModule): typeof http;
  /** Tells of a failure of our own; the call goes out untraced. */
  report(message: string): void;
};

/** Watches for the first `http` or `https` that user code asks for, and replaces `request` and `get` before it gets them. */
export function hookHttp(options: HttpHookOptions): void {
  const replaced = new Set<HttpModule>();
  registerHooks({
    resolve(specifier, context, next) {
      const module = moduleOf(specifier);
      if (module !== undefined && !replaced.has(module)) {
        replaced.add(module);
        replaceRequests(module, options);
      }
      return next(specifier, context);
    },
  });
}

function moduleOf(specifier: string): HttpModule | undefined {
  if (specifier === 'http' || specifier === 'node:http') return 'http';
  if (specifier === 'https' || specifier === 'node:https') return 'https';
  return undefined;
}

function replaceRequests(module: HttpModule, options: HttpHookOptions): void {
  const exports = options.load(module);
  const originals: RequestFunctions = { request: exports.request, get: exports.get };
  let traced: RequestFunctions | undefined;
  let isBroken = false;
  const choose = (args: unknown[]): RequestFunctions => {
    // Headers as a flat array are legal for Node; the instrumentation would turn them into an object with numbers as names.
    if (isBroken || !options.isRecording() || args.some(hasHeaderArray)) return originals;
    try {
      traced ??= options.instrument(module, originals);
      return traced;
    } catch (error) {
      isBroken = true;
      options.report(`calls by ${module} are not traced: ${error}`);
      return originals;
    }
  };
  // Named functions with the originals' arity: user code can tell no difference.
  const replacements = {
    request(this: unknown, _url: unknown, _options: unknown, _callback: unknown) {
      // biome-ignore lint/complexity/noArguments: passed on as they came, whatever their number
      const args = [...arguments];
      return Reflect.apply(choose(args).request, this, args);
    },
    get(this: unknown, _url: unknown, _options: unknown, _callback: unknown) {
      // biome-ignore lint/complexity/noArguments: passed on as they came, whatever their number
      const args = [...arguments];
      return Reflect.apply(choose(args).get, this, args);
    },
  };
  Object.assign(exports, replacements);
  syncBuiltinESMExports();
}

function hasHeaderArray(argument: unknown): boolean {
  return Array.isArray((argument as { headers?: unknown } | null | undefined)?.headers);
}
