// Spans to an OTLP/HTTP endpoint, in one of the two encodings there are. Which one is the entry's choice, so that a bundle has one.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Exporter } from '../exporter.ts';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.ts';
import { collectHeaders, DEFAULT_LIMITS, type OtlpExporterOptions, shownUrl } from './options.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import { readTlsFiles } from './tls.ts';

export type Encoding = Pick<HttpTransportOptions, 'contentType' | 'decodeAnswer'> & {
  encode(spans: readonly ReadableSpan[]): Uint8Array | undefined;
};

/** @throws Error when the URL is not one or a certificate cannot be read */
export function createHttpExporter(
  options: OtlpExporterOptions,
  { contentType, encode, decodeAnswer }: Encoding,
): Exporter {
  const url = new URL(options.url);
  const { headers, prepare } = collectHeaders(options);
  const transport = createHttpTransport({
    url,
    contentType,
    headers,
    compression: options.compression,
    tls: options.tls === undefined ? {} : readTlsFiles(options.tls),
    proxyEnv: options.proxyEnv,
    signing: options.signing,
    decodeAnswer,
  });
  return new OtlpExporter({
    transport,
    encode,
    endpoint: shownUrl(url),
    timeoutMs: options.timeoutMs,
    limits: options.limits ?? DEFAULT_LIMITS,
    ...(prepare && { prepare }),
    report: (message) => options.report?.(message),
  });
}
