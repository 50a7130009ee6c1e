// Spans to an OTLP/HTTP endpoint as protobuf, the default. The official serializer makes the bytes.

import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Exporter } from '../exporter.ts';
import { createHttpExporter } from './http-exporter.ts';
import type { OtlpExporterOptions } from './options.ts';

export type { OtlpExporterOptions } from './options.ts';

/** @throws Error when the URL is not one or a certificate cannot be read */
export const createOtlpExporter = (options: OtlpExporterOptions): Exporter =>
  createHttpExporter(options, { contentType: 'application/x-protobuf', serializer: ProtobufTraceSerializer });
