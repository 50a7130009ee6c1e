// How Node names the files of its compile cache (nodejs/node, src/compile_cache.cc, GetCacheKey): after the file that was compiled,
// by its path. A test compares with what Node does; a name that is wrong means a cache that is not found, and nothing worse.

import { pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';

/** `file`: the real path at which Node will load it. ES modules go by their URL, all others by their path. */
export function cacheFileName(file: string, isModule: boolean): string {
  const name = isModule ? pathToFileURL(file).href : file;
  const kind = Buffer.of(isModule ? 1 : 0);
  return crc32(name, crc32(kind)).toString(16).padStart(8, '0');
}
