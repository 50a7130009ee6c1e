// Entry of the bundle `otlp-stdout`: records of Lambda OTel Lite, with their settings.

import type { Exporter } from '../instrumentation/export/exporter.ts';
import { createStdoutExporter } from '../instrumentation/export/stdout/exporter.ts';
import type { RecordLevel } from '../instrumentation/export/stdout/record.ts';
import type { ExportContext } from './export-context.ts';
import { otlpSettings } from './settings/otlp-settings.ts';
import { readReportedSettings } from './settings/settings-problems.ts';
import { readSettings } from './settings/settings-reader.ts';
import { stdoutSettings } from './settings/stdout-settings.ts';

/** Where Lambda OTel Lite's own extension makes it. */
const PIPE_PATH = '/tmp/otlp-stdout-span-exporter.pipe';

/** These two say what the record is made of: Lambda OTel Lite leaves them out as well. */
const FIXED_HEADERS = new Set(['content-type', 'content-encoding']);

/**
 * `showsHeaders`: the OTLP headers stand in the record, as Lambda OTel Lite has them. They must not when they are those of an
 * export over the network, because then they are likely to hold its key.
 */
export function openStdout(context: ExportContext, showsHeaders: boolean): Exporter {
  const { env, file, report, writeLine } = context;
  const settings = readReportedSettings(stdoutSettings, context);
  const { headers } = readSettings({ headers: otlpSettings.headers }, env, file).settings;
  const shown = Object.entries(headers).filter(([name]) => showsHeaders && !FIXED_HEADERS.has(name.toLowerCase()));
  return createStdoutExporter({
    source: context.settings.serviceName ?? env.AWS_LAMBDA_FUNCTION_NAME ?? 'unknown-service',
    headers: Object.fromEntries(shown),
    gzipLevel: settings.compressionLevel,
    level: settings.recordLevel?.toUpperCase() as RecordLevel | undefined,
    pipePath: settings.outputType === 'pipe' ? PIPE_PATH : undefined,
    writeLine,
    report,
  });
}
