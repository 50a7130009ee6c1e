// Entry of the bundle `opentelemetry`: the OpenTelemetry SDK with its settings.

import { createSdk, type OpenTelemetrySdk, type SdkOptions } from '../instrumentation/opentelemetry/sdk.ts';
import type { ExportContext } from './export-context.ts';
import { readReportedSettings } from './settings/settings-problems.ts';
import { spanSettings } from './settings/span-settings.ts';

export function openSdk(
  context: Pick<ExportContext, 'env' | 'file' | 'report'>,
  options: SdkOptions,
): OpenTelemetrySdk {
  const { attributeValueLengthLimit, ...counts } = readReportedSettings(spanSettings, context);
  const spanLimits = {
    ...counts,
    ...(attributeValueLengthLimit !== undefined && { attributeValueLengthLimit }),
    // What code says is nearer than a variable.
    ...options.spanLimits,
  };
  return createSdk({ ...options, spanLimits });
}
