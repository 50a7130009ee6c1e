// Spans to an OTLP/gRPC endpoint. The entry of a bundle of its own, loaded only when that protocol is chosen.

import type { Exporter } from '../exporter.ts';
import { proxyFor } from '../proxy.ts';
import { createGrpcTransport } from './grpc-transport.ts';
import { collectHeaders, DEFAULT_LIMITS, type OtlpExporterOptions } from './options.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import { decodePartialSuccess } from './protobuf-answer.ts';
import { encodeSpans } from './protobuf-spans.ts';
import { readTlsFiles } from './tls.ts';
import { openTunnel } from './tunnel.ts';

/** @throws Error when the URL is not one or a certificate cannot be read */
export function createOtlpGrpcExporter(options: OtlpExporterOptions): Exporter {
  const url = new URL(options.url);
  const { headers, prepare } = collectHeaders(options);
  const proxy = options.proxyEnv === undefined ? undefined : proxyFor(url, options.proxyEnv);
  const transport = createGrpcTransport({
    url,
    headers,
    compression: options.compression,
    tls: options.tls === undefined ? {} : readTlsFiles(options.tls),
    openTunnel: proxy && ((timeoutMs) => openTunnel(proxy, url, timeoutMs)),
    decodeAnswer: decodePartialSuccess,
  });
  return new OtlpExporter({
    transport,
    encode: encodeSpans,
    endpoint: `${url.protocol}//${url.host} (gRPC)`,
    timeoutMs: options.timeoutMs,
    limits: options.limits ?? DEFAULT_LIMITS,
    ...(prepare && { prepare }),
    report: (message) => options.report?.(message),
  });
}
