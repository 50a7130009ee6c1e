// The line that Lambda OTel Lite's exporters write and its forwarder reads: one OTLP request, compressed, in base64, inside a JSON
// object whose keys stand in this order. Source: the npm package @dev7a/otlp-stdout-span-exporter 0.17.3, which is also the oracle.

import { gzipSync } from 'node:zlib';
import { stringifyJson } from '../../../runtime/untouched.ts';

/** The version of that package, which is the version of the format. Readers find records by this key, which must stand first. */
const FORMAT_VERSION = '0.17.3';

/** Says only that the record is about traces: the forwarder knows where they go. */
const ENDPOINT = 'http://localhost:4318/v1/traces';

export type RecordLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

export type RecordOptions = {
  /** Service name. */
  readonly source: string;
  readonly headers: Readonly<Record<string, string>>;
  /** 0 to 9. */
  readonly gzipLevel: number;
  readonly level: RecordLevel | undefined;
};

/** `request`: an ExportTraceServiceRequest in protobuf. */
export function formatRecord(request: Uint8Array, { source, headers, gzipLevel, level }: RecordOptions): string {
  return stringifyJson({
    __otel_otlp_stdout: FORMAT_VERSION,
    source,
    endpoint: ENDPOINT,
    method: 'POST',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
    payload: gzipSync(request, { level: gzipLevel }).toString('base64'),
    base64: true,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(level !== undefined && { level }),
  });
}
