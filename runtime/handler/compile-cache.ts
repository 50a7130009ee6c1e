// Has Node take the function's code from what `spanstrap compile` left beside it, by way of Node's own compile cache: Node
// compares checksums of source and cache, V8 its version and flags, and what does not match is compiled as ever.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { constants, enableCompileCache, flushCompileCache } from 'node:module';
import { Script } from 'node:vm';
import {
  COMPILE_CACHE_FOLDER,
  type CompileCacheManifest,
  type CompiledModule,
  MANIFEST,
  MODULE_LIST,
} from './compile-cache-folder.ts';

export type CompileCacheOptions = {
  readonly taskRoot: string;
  /** A folder with a link is made here for as long as the function is being loaded. */
  readonly temporaryFolder: string;
  /** Told once why a cache that is there is not used. Only when it is given, all checksums are compared to be able to say so. */
  readonly debug?: ((text: string) => void) | undefined;
};

/**
 * To be called before user code is loaded. Returns what is to be called afterwards: it removes the link, and the caches from
 * Node's memory. Never throws.
 */
export function useCompileCache({ taskRoot, temporaryFolder, debug }: CompileCacheOptions): () => void {
  const folder = `${taskRoot}/${COMPILE_CACHE_FOLDER}`;
  if (!existsSync(folder)) return () => {};
  const link = new CacheLink();
  let problem: string | undefined;
  try {
    const manifest = JSON.parse(readFileSync(`${folder}/${MANIFEST}`, 'utf8')) as CompileCacheManifest;
    const { node, arch, root } = manifest;
    if (node !== process.version || arch !== process.arch)
      throw new Error(`it is of Node ${node} ${arch}, this is ${process.version} ${process.arch}`);
    if (realpathSync(taskRoot) !== root) throw new Error(`it is for a function at ${root}`);
    problem = debug && findMismatch(manifest, folder);
    link.open(temporaryFolder, folder);
  } catch (error) {
    problem = (error as Error).message;
    link.close();
  }
  if (problem !== undefined) debug?.(`${folder} is not used, or not all of it: ${problem}`);
  return () => link.close();
}

/** Takes as long as loading does, or nearly. */
function findMismatch({ v8, root }: CompileCacheManifest, folder: string): string | undefined {
  // V8 writes its version and the hash of its flags first, and they are the same for every source of this length.
  if (v8 !== new Script('0').createCachedData().toString('hex', 0, 16))
    return 'V8 has other flags here, look at NODE_OPTIONS';
  const { crc32 } = process.getBuiltinModule('node:zlib');
  for (const module of JSON.parse(readFileSync(`${folder}/${MODULE_LIST}`, 'utf8')) as CompiledModule[]) {
    const { path, cache } = module;
    if (crc32(readFileSync(`${root}/${path}`)) !== module.crc32) return `${path} has changed since, compile it again`;
    if (crc32(readFileSync(`${folder}/${cache}`)) !== module.cacheCrc32) return `${cache}, of ${path}, is damaged`;
  }
  return undefined;
}

/**
 * What Node is told is its compile cache. It wants a folder that it can write to, and in it one that is named after Node, the CPU
 * and the user; a link of that name leads to the function's own folder, which is read-only and made on another machine.
 */
class CacheLink {
  #folder: string | undefined;
  #link: string | undefined;

  open(temporaryFolder: string, target: string): void {
    this.#folder = mkdtempSync(`${temporaryFolder}/spanstrap-`);
    const { status, message } = enableCompileCache({ directory: this.#folder, portable: false });
    if (status !== constants.compileCacheStatus.ENABLED)
      throw new Error(message ?? 'Node has its compile cache elsewhere, by NODE_COMPILE_CACHE');
    const link = `${this.#folder}/${readdirSync(this.#folder)[0]}`;
    rmdirSync(link);
    symlinkSync(target, link);
    this.#link = link;
  }

  /** Without its folder Node cannot write caches of its own when the process ends. Leaves what cannot be removed. */
  close(): void {
    if (this.#folder === undefined) return;
    try {
      if (this.#link !== undefined) unlinkSync(this.#link);
      rmdirSync(this.#folder);
    } catch {}
    this.#folder = undefined;
    flushCompileCache();
  }
}
