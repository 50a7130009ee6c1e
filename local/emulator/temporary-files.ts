// What an environment leaves in /tmp. On Lambda that folder is the environment's own and goes with it; here it is the machine's.

import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const FOLDER = '/tmp';

/** Removes the files that have the id of a log stream, `[$LATEST]<32 hex>`, in their names: the runtime's spool. */
export function removeTemporaryFiles(logStreamName: string): void {
  const id = logStreamName.slice(-32);
  let names: string[] = [];
  try {
    names = readdirSync(FOLDER);
  } catch {
    // There is no such folder here, and so nothing in it.
  }
  for (const name of names) if (name.includes(id)) rmSync(path.join(FOLDER, name), { recursive: true, force: true });
}
