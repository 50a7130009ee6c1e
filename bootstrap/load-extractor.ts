// Loads the user's own context extractor during init. Whatever goes wrong is one line in the log.

import type { UserExtractor } from '../instrumentation/context-extractor.ts';
import type { Tracing } from '../instrumentation/tracing.ts';
import { loadHandler } from '../runtime/handler/module-loading.ts';
import type { Host } from './host.ts';

/** `name` is `path/to/module.export`, found below the task root like a handler. Never rejects. */
export async function loadExtractor(
  name: string,
  taskRoot: string,
  host: Host,
  tracing: Tracing,
  report: (message: string) => void,
): Promise<void> {
  try {
    const extract = await loadHandler(name, taskRoot, { ...host, warn: report });
    const { createContextExtractor } = host.loadBundle('extractor') as ExtractorBundle;
    tracing.useExtractor(createContextExtractor(extract as UserExtractor, report));
  } catch (error) {
    report(`the context extractor ${name} could not be loaded: ${error}; invocations are traced without it`);
  }
}

type ExtractorBundle = typeof import('../instrumentation/context-extractor.ts');
