// What only the records of Lambda OTel Lite need. Read when that exporter is opened.

import { choice, number, withDefault } from './setting-kinds.ts';

export const stdoutSettings = {
  compressionLevel: withDefault(6, number(['OTLP_STDOUT_SPAN_EXPORTER_COMPRESSION_LEVEL'], 0, 9)),
  recordLevel: choice(['OTLP_STDOUT_SPAN_EXPORTER_LOG_LEVEL'], ['debug', 'info', 'warn', 'error'], {
    warning: 'warn',
  }),
  outputType: withDefault('stdout', choice(['OTLP_STDOUT_SPAN_EXPORTER_OUTPUT_TYPE'], ['stdout', 'pipe'])),
};
