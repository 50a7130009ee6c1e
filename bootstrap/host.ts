// What start.cjs hands to the runtime bundle. Types only: the bundle runs in a `vm.Script`, where neither `require` nor
// `import()` of its own exists.

/** The bundles that are loaded when they are needed; layer/bundles.ts has their entries. */
export type BundleName =
  | 'xray'
  | 'otlp'
  | 'otlp-json'
  | 'otlp-grpc'
  | 'otlp-stdout'
  | 'console'
  | 'opentelemetry'
  | 'api-version'
  | 'code-api'
  | 'configure-hooks'
  | 'outgoing'
  | 'client-modules'
  | 'databases'
  | 'routes'
  | 'triggers'
  | 'contexts'
  | 'extractor'
  | 'outlet'
  | 'recording'
  | 'streaming'
  | 'concurrency'
  | 'error-cause'
  | 'secret'
  | 'settings-file'
  | 'settings-check'
  | 'doctor';

export type Host = {
  /** Evaluates one of the layer's own bundles, once, with its code cache; returns its exports. Throws when the file is missing. */
  loadBundle(name: BundleName): unknown;
  /** `import()` as the user's module system does it; takes a `file:` URL or a bare specifier, resolved from the layer. */
  importModule(specifier: string): Promise<unknown>;
  /** Where the layer has its packages for functions; the folder may not exist. */
  readonly packagesFolder: string;
  /** CommonJS `require`, resolving from the layer: use absolute paths, or `createRequire` for a user's folder. */
  require: NodeJS.Require;
};
