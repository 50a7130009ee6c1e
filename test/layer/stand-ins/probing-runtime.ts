// A runtime bundle for the tests of start.cjs: prints what its host does.

import type { Host } from '../../../bootstrap/host.ts';

export const main = async (host: Host): Promise<void> => {
  const otlp = host.loadBundle('otlp') as { readonly answer: number };
  const own = (await host.importModule(process.env.PROBE_MODULE!)) as { readonly default: string };
  const builtin = (await host.importModule('node:path')) as { readonly sep: string };
  const missing = (() => {
    try {
      return host.loadBundle('xray');
    } catch (error) {
      return (error as { code: string }).code;
    }
  })();
  const report = {
    answer: otlp.answer,
    isSameBundle: host.loadBundle('otlp') === otlp,
    imported: own.default,
    separator: builtin.sep,
    required: (host.require('node:os') as { EOL: string }).EOL,
    missing,
    argv: process.argv.length,
    where: new Error('here').stack!.split('\n')[1]!.trim(),
  };
  process.stdout.write(JSON.stringify(report));
};
