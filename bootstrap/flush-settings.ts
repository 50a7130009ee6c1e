// When spans leave. The modes themselves are still to come: until then spans leave after every response.

import { choice, duration, number, withDefault } from './setting-kinds.ts';

export const flushSettings = {
  flushMode: withDefault(
    'async',
    choice(['SPANSTRAP_FLUSH_MODE', 'LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE'], ['sync', 'async', 'finalize']),
  ),
  flushStrategy: withDefault(
    'end',
    choice(['SPANSTRAP_FLUSH_STRATEGY', 'LAMBDA_OTEL_FLUSH_STRATEGY'], ['end', 'periodic', 'continuous', 'adaptive'], {
      default: 'adaptive',
      invocation: 'end',
    }),
  ),
  flushIntervalMs: withDefault(
    2000,
    duration(['SPANSTRAP_FLUSH_INTERVAL', 'LAMBDA_OTEL_FLUSH_INTERVAL', 'OTEL_BSP_SCHEDULE_DELAY'], 900_000),
  ),
  batchSize: withDefault(20, number(['SPANSTRAP_BATCH_SIZE'], 1, 100_000)),
  batchJitter: withDefault(5, number(['SPANSTRAP_BATCH_JITTER'], 0, 100_000)),
};
