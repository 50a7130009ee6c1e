// Spans to an OTLP/HTTP endpoint as protobuf, the default.

import type { Exporter } from '../exporter.ts';
import { createHttpExporter } from './http-exporter.ts';
import type { OtlpExporterOptions } from './options.ts';
import { decodePartialSuccess } from './protobuf-answer.ts';
import { encodeSpans } from './protobuf-spans.ts';

export type { OtlpExporterOptions } from './options.ts';

/** @throws Error when the URL is not one or a certificate cannot be read */
export const createOtlpExporter = (options: OtlpExporterOptions): Exporter =>
  createHttpExporter(options, {
    contentType: 'application/x-protobuf',
    encode: encodeSpans,
    decodeAnswer: decodePartialSuccess,
  });
