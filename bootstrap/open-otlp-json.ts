// Entry of the bundle `otlp-json`: the OTLP/HTTP exporter, JSON, with its settings.

import type { Exporter } from '../instrumentation/export/exporter.ts';
import { createOtlpJsonExporter } from '../instrumentation/export/otlp/json-exporter.ts';
import type { ExportContext } from './export-context.ts';
import { readOtlpOptions } from './otlp-options.ts';

/** @throws Error when a certificate cannot be read */
export const openOtlp = (context: ExportContext, url: string, timeoutMs: number): Exporter =>
  createOtlpJsonExporter(readOtlpOptions(context, url, timeoutMs));
