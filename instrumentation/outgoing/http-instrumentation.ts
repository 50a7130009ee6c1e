// OpenTelemetry's own `http` instrumentation, applied to the exports we hand it. Its hooks into the module loader are not used.

import type * as http from 'node:http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';

export type RequestFunctions = Pick<typeof http, 'request' | 'get'>;

export type HttpInstrumenter = {
  /** Traced versions of `request` and `get` of `http` or `https`; the originals stay as they are. */
  instrument(module: 'http' | 'https', originals: RequestFunctions): RequestFunctions;
};

export function createHttpInstrumentation(): HttpInstrumenter {
  const instrumentation = new HttpInstrumentation({ enabled: false, disableIncomingRequestInstrumentation: true });
  const definitions = instrumentation.getModuleDefinitions();
  return {
    instrument(module, originals) {
      const definition = definitions.find(({ name }) => name === module);
      if (definition?.patch === undefined) throw new Error(`no instrumentation for ${module}`);
      return definition.patch({ request: originals.request, get: originals.get }) as RequestFunctions;
    },
  };
}
