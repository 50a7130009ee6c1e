// What `spanstrap compile` leaves beside a function's code and the runtime finds there: a format of two of our own programs.
// Nothing in it is believed before Node has checked it.

export const COMPILE_CACHE_FOLDER = 'spanstrap-cache';
export const MANIFEST = 'manifest.json';

export type CompiledModule = {
  /** Relative to the function's folder, with slashes. */
  readonly path: string;
  readonly isModule: boolean;
  /** Of the source file. */
  readonly bytes: number;
  /** Of the source file. */
  readonly crc32: number;
  /** Name of a file beside the manifest, in the format of Node's own compile cache. */
  readonly cache: string;
  readonly cacheCrc32: number;
};

export type CompileCacheManifest = {
  /** `process.version` and `process.arch` of the Node that compiled. */
  readonly node: string;
  readonly arch: string;
  /** `describeV8()` of the Node that compiled. */
  readonly v8: string;
  readonly modules: readonly CompiledModule[];
};
