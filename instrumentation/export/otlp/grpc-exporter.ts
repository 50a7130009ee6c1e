// Spans to an OTLP/gRPC endpoint. The entry of a bundle of its own, loaded only when that protocol is chosen.

import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Exporter } from '../exporter.ts';
import { proxyFor } from '../proxy.ts';
import { createGrpcTransport } from './grpc-transport.ts';
import { collectHeaders, DEFAULT_LIMITS, type OtlpExporterOptions } from './options.ts';
import { OtlpExporter } from './otlp-exporter.ts';
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
    decodeAnswer: (message) => ProtobufTraceSerializer.deserializeResponse(message) as object,
  });
  return new OtlpExporter({
    transport,
    encode: (spans) => ProtobufTraceSerializer.serializeRequest(spans),
    endpoint: `${url.protocol}//${url.host} (gRPC)`,
    timeoutMs: options.timeoutMs,
    limits: options.limits ?? DEFAULT_LIMITS,
    ...(prepare && { prepare }),
    report: (message) => options.report?.(message),
  });
}
