// What can be set about the way out that all exporters share. Read when the first spans leave.

import { choice, duration, number, withDefault } from './setting-kinds.ts';

const LONGEST_MS = 900_000;

export const outletSettings = {
  otlpProtocol: withDefault(
    'http/protobuf',
    choice(
      ['LAMBDA_OTEL_EXPORTER_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'],
      ['http/protobuf', 'http/json', 'grpc'],
      { http: 'http/protobuf' },
    ),
  ),
  otlpTimeoutMs: withDefault(
    2000,
    duration(
      ['LAMBDA_OTEL_EXPORTER_TIMEOUT', 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'],
      LONGEST_MS,
    ),
  ),
  otlpFallback: withDefault('stdout', choice(['SPANSTRAP_OTLP_FALLBACK'], ['stdout', 'none'])),
  maxQueuedSpans: withDefault(
    2048,
    number(
      [
        'SPANSTRAP_MAX_QUEUED_SPANS',
        'LAMBDA_OTEL_FLUSH_MAX_QUEUE_ENTRIES',
        'LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE',
        'OTEL_BSP_MAX_QUEUE_SIZE',
      ],
      1,
      1_000_000,
    ),
  ),
  flushTimeoutMs: duration(
    ['SPANSTRAP_FLUSH_TIMEOUT', 'LAMBDA_OTEL_FLUSH_INVOKE_BUDGET', 'OTEL_LAMBDA_FLUSH_TIMEOUT'],
    LONGEST_MS,
  ),
};
