// Entry of the bundle `otlp`: the OTLP/HTTP exporter, protobuf, with its settings.

import type { Exporter } from '../instrumentation/export/exporter.ts';
import { createOtlpExporter } from '../instrumentation/export/otlp/exporter.ts';
import type { ExportContext } from './export-context.ts';
import { readOtlpOptions } from './otlp-options.ts';

/** @throws Error when a certificate cannot be read */
export const openOtlp = (context: ExportContext, url: string, timeoutMs: number): Exporter =>
  createOtlpExporter(readOtlpOptions(context, url, timeoutMs));
