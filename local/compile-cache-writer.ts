// Puts a compile cache beside a function's code. Until it is kept, what was there before can come back.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  COMPILE_CACHE_FOLDER,
  type CompileCacheManifest,
  type CompiledModule,
  MANIFEST,
} from '../runtime/handler/compile-cache-folder.ts';

export type PlacedCompileCache = Disposable & {
  /** It stays, with these modules. Without this call, disposal brings back what was there before. */
  keep(modules: readonly CompiledModule[]): void;
};

/** `caches`: contents by the names in the manifest. */
export function putCompileCache(
  dir: string,
  manifest: CompileCacheManifest,
  caches: ReadonlyMap<string, Uint8Array>,
): PlacedCompileCache {
  const folder = path.join(dir, COMPILE_CACHE_FOLDER);
  const former = `${folder}.former`;
  rmSync(former, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, former);
  mkdirSync(folder);
  for (const [name, contents] of caches) writeFileSync(path.join(folder, name), contents);
  writeManifest(folder, manifest);
  let isKept = false;
  return {
    keep(modules) {
      isKept = true;
      const kept = new Set(modules.map(({ cache }) => cache));
      for (const name of caches.keys()) if (!kept.has(name)) rmSync(path.join(folder, name));
      writeManifest(folder, { ...manifest, modules });
    },
    [Symbol.dispose]() {
      if (!isKept) {
        rmSync(folder, { recursive: true, force: true });
        if (existsSync(former)) renameSync(former, folder);
      }
      rmSync(former, { recursive: true, force: true });
    },
  };
}

function writeManifest(folder: string, manifest: CompileCacheManifest): void {
  const partial = path.join(folder, `${MANIFEST}.partial`);
  writeFileSync(partial, `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(partial, path.join(folder, MANIFEST));
}
