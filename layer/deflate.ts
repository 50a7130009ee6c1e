// Deflates files for the zip: large ones on threads of their own, and kept, because the Node binary takes 8 s and changes only
// with Node.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { deflateSync } from 'fflate';
import { CACHE_FOLDER } from './cache-folder.ts';

const options = { level: 9, mem: 12 } as const;
const WORTH_KEEPING_BYTES = 8_000_000;

const deflateOnThread = (contents: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('deflate-worker.ts', import.meta.url), { workerData: { contents, options } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

/** fflate's version is in the key: another one may find other matches. */
const cacheKey = async (contents: Uint8Array): Promise<string> => {
  const manifest = new URL('../node_modules/fflate/package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  return `${createHash('sha256').update(contents).digest('hex')}-fflate-${version}.deflate`;
};

/** Raw deflate stream of `contents`. Files of 8 MB and more are cached by their sha256. */
export const deflate = async (contents: Uint8Array): Promise<Uint8Array> => {
  if (contents.length < WORTH_KEEPING_BYTES) return deflateSync(contents, options);
  const cached = join(CACHE_FOLDER, await cacheKey(contents));
  try {
    return await readFile(cached);
  } catch {}
  const deflated = await deflateOnThread(contents);
  await mkdir(CACHE_FOLDER, { recursive: true });
  await writeFile(`${cached}.${process.pid}`, deflated);
  await rename(`${cached}.${process.pid}`, cached);
  return deflated;
};
