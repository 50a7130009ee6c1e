// How long an invocation waits for its spans to leave: needed before the other settings of flushing are, and told in the resource.

import { choice, withDefault } from './setting-kinds.ts';

export const flushModeSetting = withDefault(
  'async',
  choice(['SPANSTRAP_FLUSH_MODE', 'LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE'], ['sync', 'async', 'finalize']),
);
