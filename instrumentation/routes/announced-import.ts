// How an ES module is reached before whoever imports it runs: it is imported by way of one of ours, which has the same exports and hands
// them out when it is evaluated. Neither its source nor that of the function is touched.
// Source: Node.js, "ECMAScript modules" (`data:` imports), "module.registerHooks".

import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';

const CHANNEL = 'spanstrap.module.imported';

type Announcement = { readonly url: string; readonly exports: object };

/**
 * The URL to be imported instead of each `url`, as long as it was not evaluated; undefined: its own. `imported` gets the exports of what it
 * stands for.
 */
export function createAnnouncedImport(imported: (exports: object) => void): (url: string) => string | undefined {
  let isListening = false;
  const done = new Set<string>();
  const listen = (message: unknown): void => {
    const { url, exports } = message as Announcement;
    done.add(url);
    imported(exports);
  };
  return (url) => {
    if (!url.startsWith('file:') || done.has(url) || mayHaveDefault(url)) return undefined;
    if (!isListening) subscribe(CHANNEL, listen);
    isListening = true;
    const file = JSON.stringify(url);
    const code = `import{channel}from"node:diagnostics_channel";import*as exports from${file};export*from${file};channel("${CHANNEL}").publish({url:${file},exports})`;
    return `data:text/javascript,${encodeURIComponent(code)}`;
  };
}

/** As a statement of its own, not in the comments that show how a module is used. */
const DEFAULT_EXPORT = /(?:^|[;}])\s*export\s+default\b|\bas\s+default\b|\bexport\s*\{\s*default\b/m;

/** `export *` does not hand it on. Hono has none; something else of that name may. */
const mayHaveDefault = (url: string): boolean => DEFAULT_EXPORT.test(readFileSync(new URL(url), 'latin1'));
