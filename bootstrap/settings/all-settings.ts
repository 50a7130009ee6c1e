// All tables of settings together, for documentation and checks. No bundle that is loaded as a matter of course has it.

import { flushSettings } from './flush-settings.ts';
import { otlpSettings } from './otlp-settings.ts';
import { outletSettings } from './outlet-settings.ts';
import { settingsTable } from './settings-table.ts';
import { spanSettings } from './span-settings.ts';
import { stdoutSettings } from './stdout-settings.ts';
import { xraySettings } from './xray-settings.ts';

export const allSettings = {
  ...settingsTable,
  ...outletSettings,
  ...otlpSettings,
  ...xraySettings,
  ...spanSettings,
  ...stdoutSettings,
  ...flushSettings,
};

export type SettingName = keyof typeof allSettings;

/** Variables with our prefix that no table has: they are read by the bootstrap script, and before the tables. */
export const otherVariables = ['SPANSTRAP_NODE', 'SPANSTRAP_SETTINGS_FILE'] as const;
