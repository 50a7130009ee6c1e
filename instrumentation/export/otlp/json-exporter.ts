// Spans to an OTLP/HTTP endpoint as JSON. The official serializer makes the bytes.

import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Exporter } from '../exporter.ts';
import { createHttpExporter } from './http-exporter.ts';
import { withJsonNumbers } from './json-numbers.ts';
import type { OtlpExporterOptions } from './options.ts';

/** @throws Error when the URL is not one or a certificate cannot be read */
export const createOtlpJsonExporter = (options: OtlpExporterOptions): Exporter =>
  createHttpExporter(options, {
    contentType: 'application/json',
    encode: (spans) => JsonTraceSerializer.serializeRequest(spans.map(withJsonNumbers)),
    decodeAnswer: (body) => JsonTraceSerializer.deserializeResponse(body) as object,
  });
