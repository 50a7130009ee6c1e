// Puts a compile cache beside a function's code. Until it is kept, what was there before can come back.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  COMPILE_CACHE_FOLDER,
  type CompileCacheManifest,
  type CompiledModule,
  MANIFEST,
  MODULE_LIST,
} from '../runtime/handler/compile-cache-folder.ts';
import { atProcessEnd } from './process-end.ts';

export type CompileCache = {
  readonly manifest: CompileCacheManifest;
  readonly modules: readonly CompiledModule[];
  /** Contents by the names in `modules`. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
};

export type PlacedCompileCache = Disposable & {
  /** The final form, in the place of the one that was tried. Without this call, disposal or the end of the process brings back what was there before. */
  keep(cache: CompileCache): void;
};

export function placeCompileCache(dir: string, cache: CompileCache): PlacedCompileCache {
  const folder = path.join(dir, COMPILE_CACHE_FOLDER);
  const former = `${folder}.former`;
  rmSync(former, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, former);
  let isKept = false;
  const end = atProcessEnd(() => {
    if (!isKept) {
      rmSync(folder, { recursive: true, force: true });
      if (existsSync(former)) renameSync(former, folder);
    }
    rmSync(former, { recursive: true, force: true });
  });
  writeFolder(folder, cache);
  return {
    keep(final) {
      const partial = `${folder}.partial`;
      rmSync(partial, { recursive: true, force: true });
      writeFolder(partial, final);
      rmSync(folder, { recursive: true });
      renameSync(partial, folder);
      isKept = true;
    },
    [Symbol.dispose]: () => end[Symbol.dispose](),
  };
}

function writeFolder(folder: string, { manifest, modules, contents }: CompileCache): void {
  mkdirSync(folder);
  for (const { cache } of modules) writeFileSync(path.join(folder, cache), contents.get(cache)!);
  writeFileSync(path.join(folder, MODULE_LIST), `${JSON.stringify(modules, null, 1)}\n`);
  writeFileSync(path.join(folder, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
}
