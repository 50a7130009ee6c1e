// Entry of the bundle `xray`: the X-Ray exporter with its settings.

import type { Exporter } from '../instrumentation/export/exporter.ts';
import { createXrayExporter } from '../instrumentation/export/xray/exporter.ts';
import type { XrayMode } from '../instrumentation/export/xray/phases.ts';
import type { ExportContext } from './export-context.ts';
import { readReportedSettings } from './settings/settings-problems.ts';
import { xraySettings } from './settings/xray-settings.ts';

export const openXray = (context: ExportContext, mode: XrayMode): Exporter =>
  createXrayExporter({
    ...readReportedSettings(xraySettings, context),
    daemonAddress: context.settings.xrayDaemonAddress!,
    mode,
    liveErrorOf: context.liveErrorOf,
    reportProblem: context.report,
  });
