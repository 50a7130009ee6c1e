// Deflates the files of a layer on threads, so that the build goes on beside it. Large results are kept, because the Node binary
// takes 8 s and changes only with Node; a file that both architectures have is done once.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CACHE_FOLDER } from './cache-folder.ts';

const WORTH_KEEPING_BYTES = 8_000_000;

const deflateOnThread = (batch: readonly Uint8Array[]): Promise<Uint8Array[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('deflate-worker.ts', import.meta.url), { workerData: batch });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

/** fflate's version is in the key: another one may find other matches. */
const cachePath = async (sha256: string): Promise<string> => {
  const manifest = new URL('../node_modules/fflate/package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  return join(CACHE_FOLDER, `${sha256}-fflate-${version}.deflate`);
};

const deflateLarge = async (contents: Uint8Array, sha256: string): Promise<Uint8Array> => {
  const cached = await cachePath(sha256);
  try {
    return await readFile(cached);
  } catch {}
  const [deflated] = await deflateOnThread([contents]);
  await mkdir(CACHE_FOLDER, { recursive: true });
  await writeFile(`${cached}.${process.pid}`, deflated!);
  await rename(`${cached}.${process.pid}`, cached);
  return deflated!;
};

/** sha256 of the contents -> their raw deflate stream, for the life of the process. */
const results = new Map<string, Promise<Uint8Array>>();

/** The raw deflate stream of each file. Files of 8 MB and more have a thread and a cached result each, the others one thread together. */
export const deflateAll = async (files: readonly Uint8Array[]): Promise<Uint8Array[]> => {
  const batch = new Map<string, Uint8Array>();
  const keys = files.map((contents) => {
    const sha256 = createHash('sha256').update(contents).digest('hex');
    if (results.has(sha256) || batch.has(sha256)) return sha256;
    if (contents.length < WORTH_KEEPING_BYTES) batch.set(sha256, contents);
    else results.set(sha256, deflateLarge(contents, sha256));
    return sha256;
  });
  if (batch.size > 0) {
    const deflated = deflateOnThread([...batch.values()]);
    for (const [index, sha256] of [...batch.keys()].entries()) {
      results.set(
        sha256,
        deflated.then((all) => all[index]!),
      );
    }
  }
  return Promise.all(keys.map((sha256) => results.get(sha256)!));
};
