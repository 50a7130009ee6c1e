// How an ES module is reached before whoever imports it runs: it is imported by way of one of ours, which has the same exports and hands
// them out when it is evaluated. Neither its source nor that of the function is touched.
// Source: Node.js, "ECMAScript modules" (`data:` imports), "module.registerHooks".

import { subscribe } from 'node:diagnostics_channel';

const CHANNEL = 'spanstrap.module.imported';

/** The URL to be imported instead of each `url`; `imported` gets the exports of what it stands for. */
export function createAnnouncedImport(imported: (exports: object) => void): (url: string) => string | undefined {
  let isListening = false;
  return (url) => {
    if (!url.startsWith('file:')) return undefined;
    if (!isListening) subscribe(CHANNEL, (message) => imported(message as object));
    isListening = true;
    const file = JSON.stringify(url);
    const code = `import{channel}from"node:diagnostics_channel";import*as module from${file};export*from${file};channel("${CHANNEL}").publish(module)`;
    return `data:text/javascript,${encodeURIComponent(code)}`;
  };
}
