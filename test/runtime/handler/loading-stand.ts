// A task root of a test's own, and the user's module loaded from it as start.cjs has it loaded.

import { createRequire } from 'node:module';
import { type HandlerFunction, loadHandler } from '../../../runtime/handler/module-loading.ts';
import type { Scope } from '../../support/tcp-server.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

export type Loading = {
  readonly root: string;
  readonly warnings: string[];
  readonly imported: string[];
  load(handler: string): Promise<HandlerFunction>;
};

/** A task root with these files, and a loader as start.cjs makes it. */
export function prepare(scope: Scope, files: Readonly<Record<string, string>>): Loading {
  const root = makeFolder(scope, files);
  const warnings: string[] = [];
  const imported: string[] = [];
  const loader = {
    require: createRequire(import.meta.url),
    importModule: (url: string): Promise<unknown> => {
      imported.push(url);
      return import(url);
    },
    warn: (text: string): void => void warnings.push(text),
  };
  return { root, warnings, imported, load: (handler) => loadHandler(handler, root, loader) };
}

/** Loads and calls: which of the files was it? */
export async function loaded(
  scope: Scope,
  files: Readonly<Record<string, string>>,
  handler = 'index.handler',
): Promise<unknown> {
  return (await prepare(scope, files).load(handler))();
}
