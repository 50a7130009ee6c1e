// Has Node take the function's code from what `spanstrap compile` left beside it, by way of Node's own compile cache: Node
// compares checksums of source and cache, V8 its version and flags, and what does not match is compiled as ever.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { constants, enableCompileCache, flushCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import {
  COMPILE_CACHE_FOLDER,
  type CompileCacheManifest,
  type CompiledModule,
  MANIFEST,
} from './compile-cache-folder.ts';

export type CompileCacheOptions = {
  readonly taskRoot: string;
  /** A folder of links is made here for as long as the function is being loaded. */
  readonly temporaryFolder: string;
  /** Told once why a cache that is there is not used. Only when it is given, all checksums are compared to be able to say so. */
  readonly debug?: ((text: string) => void) | undefined;
};

/**
 * To be called before user code is loaded. Returns what is to be called afterwards: it removes the links, and the caches from
 * Node's memory. Never throws.
 */
export function useCompileCache({ taskRoot, temporaryFolder, debug }: CompileCacheOptions): () => void {
  const folder = `${taskRoot}/${COMPILE_CACHE_FOLDER}`;
  if (!existsSync(folder)) return () => {};
  const links = new LinkFolder();
  let problem: string | undefined;
  try {
    const manifest = JSON.parse(readFileSync(`${folder}/${MANIFEST}`, 'utf8')) as CompileCacheManifest;
    const { node, arch, modules } = manifest;
    if (node !== process.version || arch !== process.arch)
      throw new Error(`it is of Node ${node} ${arch}, this is ${process.version} ${process.arch}`);
    const root = realpathSync(taskRoot);
    problem = debug && findMismatch(manifest, root, folder);
    const unchanged = modules.filter(({ path, bytes }) => sizeOf(`${root}/${path}`) === bytes);
    if (unchanged.length > 0) links.open(temporaryFolder);
    for (const module of unchanged) links.add(`${folder}/${module.cache}`, cacheKey(root, module));
  } catch (error) {
    problem = (error as Error).message;
    links.close();
  }
  if (problem !== undefined) debug?.(`${folder} is not used, or not all of it: ${problem}`);
  return () => links.close();
}

/**
 * Name of a module's file in Node's compile cache (nodejs/node, src/compile_cache.cc, GetCacheKey): the name depends on where
 * the function lies, which the one who compiles cannot know.
 */
export function cacheKey(root: string, { path, isModule }: Pick<CompiledModule, 'path' | 'isModule'>): string {
  const file = `${root}/${path}`;
  const name = isModule ? `\x01${pathToFileURL(file).href}` : `\0${file}`;
  let crc = -1;
  for (const byte of Buffer.from(name)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}

/** What V8 writes at the head of a cache of an equal source: its version and the hash of its flags. */
export const describeV8 = (): string => new Script('0').createCachedData().toString('hex', 0, 16);

/** Takes as long as loading does, or nearly. */
function findMismatch(manifest: CompileCacheManifest, root: string, folder: string): string | undefined {
  if (manifest.v8 !== describeV8()) return 'V8 has other flags here, look at NODE_OPTIONS';
  const { crc32 } = process.getBuiltinModule('node:zlib');
  for (const { path, cache, ...sums } of manifest.modules) {
    if (crc32(readFileSync(`${root}/${path}`)) !== sums.crc32) return `${path} has changed since, compile it again`;
    if (crc32(readFileSync(`${folder}/${cache}`)) !== sums.cacheCrc32) return `${cache} is damaged`;
  }
  return undefined;
}

const sizeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.size;

/**
 * What Node is told is its compile cache: it wants a folder that it can write to, named after the CPU and the user. Links into
 * the function's own folder, which is read-only.
 */
class LinkFolder {
  #folder: string | undefined;
  #cacheFolder: string | undefined;

  open(temporaryFolder: string): void {
    this.#folder = mkdtempSync(`${temporaryFolder}/spanstrap-`);
    const { status, message } = enableCompileCache({ directory: this.#folder, portable: false });
    const [name] = readdirSync(this.#folder);
    if (name !== undefined) this.#cacheFolder = `${this.#folder}/${name}`;
    if (status !== constants.compileCacheStatus.ENABLED)
      throw new Error(message ?? 'the compile cache of Node is disabled, or set up by NODE_COMPILE_CACHE');
  }

  add(target: string, name: string): void {
    symlinkSync(target, `${this.#cacheFolder}/${name}`);
  }

  /** Without its folder Node cannot write caches of its own when the process ends. Leaves what cannot be removed. */
  close(): void {
    if (this.#folder === undefined) return;
    try {
      if (this.#cacheFolder !== undefined) {
        for (const name of readdirSync(this.#cacheFolder)) unlinkSync(`${this.#cacheFolder}/${name}`);
        rmdirSync(this.#cacheFolder);
      }
      rmdirSync(this.#folder);
    } catch {}
    this.#folder = undefined;
    flushCompileCache();
  }
}
