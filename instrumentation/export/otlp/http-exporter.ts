// Spans to an OTLP/HTTP endpoint, in one of the two encodings there are. Which one is the entry's choice, so that a bundle has one.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Exporter } from '../exporter.ts';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.ts';
import type { PartialSuccess } from './http-verdict.ts';
import { collectHeaders, DEFAULT_LIMITS, type OtlpExporterOptions, shownUrl } from './options.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import { readTlsFiles } from './tls.ts';

export type Encoding = {
  readonly contentType: HttpTransportOptions['contentType'];
  /** OpenTelemetry's own. */
  readonly serializer: {
    serializeRequest(spans: ReadableSpan[]): Uint8Array | undefined;
    deserializeResponse(body: Uint8Array): PartialSuccess;
  };
};

/** @throws Error when the URL is not one or a certificate cannot be read */
export function createHttpExporter(options: OtlpExporterOptions, { contentType, serializer }: Encoding): Exporter {
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
    decodeAnswer: (body) => serializer.deserializeResponse(body),
  });
  return new OtlpExporter({
    transport,
    encode: (spans) => serializer.serializeRequest(spans),
    endpoint: shownUrl(url),
    timeoutMs: options.timeoutMs,
    limits: options.limits ?? DEFAULT_LIMITS,
    ...(prepare && { prepare }),
    report: (message) => options.report?.(message),
  });
}
