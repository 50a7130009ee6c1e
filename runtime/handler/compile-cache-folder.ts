// What `spanstrap compile` leaves beside a function's code and the runtime finds there: a format of two of our own programs.
// Nothing in it is believed before Node has checked it. Beside these files lie those of Node's own compile cache.

export const COMPILE_CACHE_FOLDER = 'spanstrap-cache';
/** CompileCacheManifest. */
export const MANIFEST = 'manifest.json';
/** CompiledModule[]; read only where it is to be said what does not fit. */
export const MODULE_LIST = 'modules.json';

export type CompileCacheManifest = {
  /** `process.version` and `process.arch` of the Node that compiled. */
  readonly node: string;
  readonly arch: string;
  /** What V8 writes at the head of a cache: its version and the hash of its flags, in hexadecimal digits. */
  readonly v8: string;
  /** The real path at which the function will lie: Node names its cache files after it. */
  readonly root: string;
};

export type CompiledModule = {
  /** Relative to the function's folder, with slashes. */
  readonly path: string;
  readonly isModule: boolean;
  /** Of the source file. */
  readonly bytes: number;
  readonly crc32: number;
  /** Name of Node's cache file. */
  readonly cache: string;
  readonly cacheCrc32: number;
};
