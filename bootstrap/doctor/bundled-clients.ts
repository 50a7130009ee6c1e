// Clients of databases and web frameworks that were bundled into the function, where their calls and routes cannot be seen, found by
// texts that a minifier leaves alone.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { LIBRARY_CHANNELS } from '../../instrumentation/outgoing/databases/watch-databases.ts';

/** `client` by the names of the instrumentations. */
export type BundledClient = { readonly client: string; readonly file: string };

/** A text that is in the client, and one that is in versions whose calls are seen in a bundle too. */
const SIGNS: Readonly<Record<string, { readonly sign: RegExp; readonly seen?: string }>> = {
  mongodb: { sign: /MongoServerSelectionError/ },
  mysql2: { sign: /mysql_clear_password|node_modules\/mysql2\//, seen: LIBRARY_CHANNELS.mysql2[0] },
  ioredis: { sign: /\[ioredis\] |node_modules\/ioredis\//, seen: LIBRARY_CHANNELS.ioredis[0] },
  // Their routes are found unless they are bundled.
  express: { sign: /app\.use\(\) requires a middleware function/, seen: 'express.router.request' },
  hono: { sign: /Context is not finalized\. Did you forget/ },
  redis: { sign: /^(?=.*Socket closed unexpectedly)(?=.*The client is closed)/s, seen: LIBRARY_CHANNELS.redis[0] },
};
const MOST_FILES = 50;
const LARGEST_BYTES = 10_000_000;

/** `files`: those that the function has loaded; packages of their own are left out. */
export function findBundledClients(files: readonly string[], taskRoot: string): BundledClient[] {
  const own = files.filter((file) => file.startsWith(`${taskRoot}/`) && !file.includes('/node_modules/'));
  return own.slice(0, MOST_FILES).flatMap((file) => {
    const code = codeOf(file);
    return Object.entries(SIGNS)
      .filter(([, { sign, seen }]) => sign.test(code) && !(seen !== undefined && code.includes(seen)))
      .map(([client]) => ({ client, file: file.slice(taskRoot.length + 1) }));
  });
}

/** The file of the handler's module, which is in no cache that can be asked when it is an ES module. */
export function handlerFiles(taskRoot: string, handler: string): string[] {
  const slash = handler.lastIndexOf('/') + 1;
  const dot = handler.indexOf('.', slash);
  const path = `${taskRoot}/${dot === -1 ? handler : handler.slice(0, dot)}`;
  return ['.js', '.mjs', '.cjs'].map((extension) => path + extension).filter((file) => existsSync(file));
}

function codeOf(file: string): string {
  try {
    return statSync(file).size > LARGEST_BYTES ? '' : readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
