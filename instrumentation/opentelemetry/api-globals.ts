// The object in which all copies of `@opentelemetry/api` 1.x find what is registered. A copy refuses to register beside another, and
// one of another version than the first: a function that starts an SDK of its own would be refused because of us. So ours steps aside
// when somebody registers. How a copy goes about it: it assigns the object to the global property, looks whether the name is taken,
// compares versions, and sets the name (`registerGlobal` in the package, all of 1.x); a reader never assigns.

export type GlobalName = 'trace' | 'context' | 'propagation';

/** Where code stands that is being run. */
export type CodePlace = {
  /** A path or a `file:` URL. */
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
};

export type RegisteredGlobals = {
  /** What somebody else has registered under the name. */
  foreign(name: GlobalName): unknown;
};

const GLOBAL_KEY = Symbol.for('opentelemetry.js.api.1');
const NAMES: readonly GlobalName[] = ['trace', 'context', 'propagation'];

type Globals = { [GLOBAL_KEY]?: object };

/** `versionAt` tells the version of the copy that registers: the one that it will be given. */
export function registerGlobals(
  version: string,
  own: Readonly<Record<GlobalName, object>>,
  versionAt: (place: CodePlace) => string | undefined,
): RegisteredGlobals {
  const holder = globalThis as Globals;
  const present = holder[GLOBAL_KEY] as Record<GlobalName, object | undefined> | undefined;
  // Loaded before us, with --require: it has everything, and keeps it.
  if (present !== undefined) return { foreign: (name) => present[name] };
  let isRegistering = false;
  const foreign: Partial<Record<GlobalName, unknown>> = {};
  const api = {};
  const properties: PropertyDescriptorMap = {
    version: {
      configurable: true,
      enumerable: true,
      get() {
        if (!isRegistering) return version;
        isRegistering = false;
        const place = callerOf(properties.version!.get!);
        return (place && versionAt(place)) ?? version;
      },
    },
  };
  for (const name of NAMES) {
    properties[name] = {
      configurable: true,
      enumerable: true,
      get() {
        if (!isRegistering) return foreign[name] ?? own[name];
        if (foreign[name] !== undefined) isRegistering = false;
        return foreign[name];
      },
      set(value: unknown) {
        foreign[name] = value;
      },
    };
  }
  Object.defineProperties(api, properties);
  Object.defineProperty(holder, GLOBAL_KEY, {
    configurable: true,
    get: () => api,
    set(value: object) {
      isRegistering = value === api;
    },
  });
  return {
    foreign(name) {
      // A name that its owner has unregistered is nobody's.
      return Object.hasOwn(api, name) ? foreign[name] : (api as Record<string, unknown>)[name];
    },
  };
}

/** The code that called `getter`; undefined when stack traces are beyond use. */
function callerOf(getter: () => unknown): CodePlace | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_error, sites) => sites[0];
    const target: { stack?: NodeJS.CallSite } = {};
    Error.captureStackTrace(target, getter);
    const site = target.stack;
    const file = site?.getFileName();
    if (!file) return undefined;
    return { file, line: site!.getLineNumber() ?? 1, column: site!.getColumnNumber() ?? 1 };
  } catch {
    return undefined;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
