// What only the OTLP exporters need. Read when one is opened.

import { choice, flag, number, pairs, type Setting, secret, text, withDefault } from './setting-kinds.ts';

type Headers = Readonly<Record<string, string>>;

/** Headers for traces and headers for all signals go together; of one header the first value counts. */
const merged = (setting: Setting<Headers>): Setting<Headers> => ({
  ...setting,
  merge: (first, second) => ({ ...second, ...first }),
});

export const otlpSettings = {
  headers: merged(
    secret(
      withDefault(
        {},
        pairs(['LAMBDA_OTEL_EXPORTER_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS']),
      ),
    ),
  ),
  compression: withDefault(
    'none',
    choice(
      ['LAMBDA_OTEL_EXPORTER_COMPRESSION', 'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'],
      ['gzip', 'none'],
    ),
  ),
  certificateFile: text(
    ['OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE'],
    'the path of a PEM file',
  ),
  certificateBase64: text(['SPANSTRAP_OTLP_CERTIFICATE_BASE64'], 'the base64 of a PEM text'),
  clientCertificateFile: text(
    ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    'the path of a PEM file',
  ),
  clientKeyFile: text(
    ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'],
    'the path of a PEM file',
  ),
  isServerVerified: withDefault(true, flag(['SPANSTRAP_OTLP_TLS_VERIFY'])),
  isInsecure: withDefault(false, flag(['OTEL_EXPORTER_OTLP_TRACES_INSECURE', 'OTEL_EXPORTER_OTLP_INSECURE'])),
  sigv4: withDefault(
    'auto',
    choice(['SPANSTRAP_OTLP_SIGV4'], ['auto', 'true', 'false'], { 1: 'true', on: 'true', 0: 'false', off: 'false' }),
  ),
  sigv4Region: text(['SPANSTRAP_OTLP_SIGV4_REGION'], 'a region'),
  sigv4Service: text(['SPANSTRAP_OTLP_SIGV4_SERVICE'], 'the name that a service signs with'),
  maxRequestSpans: withDefault(
    1000,
    number(
      [
        'SPANSTRAP_MAX_EXPORT_SPANS',
        'LAMBDA_OTEL_FLUSH_MAX_BATCH_ENTRIES',
        'LAMBDA_SPAN_PROCESSOR_BATCH_SIZE',
        'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
      ],
      1,
      1_000_000,
    ),
  ),
  maxRequestBytes: withDefault(
    4 * 1024 * 1024,
    number(['SPANSTRAP_MAX_EXPORT_BYTES', 'LAMBDA_OTEL_FLUSH_MAX_BATCH_BYTES'], 10_000, 1_000_000_000),
  ),
};
