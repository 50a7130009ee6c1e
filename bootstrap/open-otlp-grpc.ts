// Entry of the bundle `otlp-grpc`: the OTLP/gRPC exporter with its settings.

import type { Exporter } from '../instrumentation/export/exporter.ts';
import { createOtlpGrpcExporter } from '../instrumentation/export/otlp/grpc-exporter.ts';
import type { ExportContext } from './export-context.ts';
import { readOtlpOptions } from './otlp-options.ts';

/** @throws Error when a certificate cannot be read */
export const openOtlp = (context: ExportContext, url: string, timeoutMs: number): Exporter =>
  createOtlpGrpcExporter(readOtlpOptions(context, url, timeoutMs));
