// Entry of the bundle `configure-hooks`: what the user's `configure*` functions ask for, with the settings of the way out.

import {
  applyConfigureHooks,
  type ConfiguredHooks,
  type HookOptions,
} from '../instrumentation/configure-hooks/configure-hooks.ts';
import type { ExportContext } from './export-context.ts';
import { outletSettings } from './settings/outlet-settings.ts';
import { readReportedSettings } from './settings/settings-problems.ts';

export function openConfigureHooks(
  context: Pick<ExportContext, 'env' | 'file' | 'report'>,
  options: HookOptions,
): ConfiguredHooks {
  const { flushTimeoutMs, otlpTimeoutMs } = readReportedSettings(outletSettings, context);
  return applyConfigureHooks(options, flushTimeoutMs ?? otlpTimeoutMs);
}
