// What is wrong with a setting, in words. Apart from the reader, which every cold start has.

import type { ExportContext } from '../export-context.ts';
import type { SettingsTable, Values } from './setting-kinds.ts';
import { readSettings, type UnusableText } from './settings-reader.ts';

/** One line: the name, what was seen, what is used. The value of a secret is not shown. */
export function describeUnusable({ setting, variable, isInFile, text, used }: UnusableText): string {
  const seen = setting.isSecret ? 'a value that is not shown' : JSON.stringify(text.slice(0, 80));
  const instead = used === undefined ? describeDefault(setting.default) : `the value of ${used}`;
  const place = isInFile ? `${variable} of the settings file` : variable;
  return `${place} is ${seen}, which is not ${setting.expected}; ${instead} is used`;
}

/** In the form in which it could be set; what is empty has none. */
function describeDefault(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return value === undefined ? 'the default' : `the default ${JSON.stringify(value)}`;
  const text = 'name' in value ? `${value.name}` : Object.values(value).join();
  return text === '' ? 'the default' : `the default ${JSON.stringify(text)}`;
}

/** Reads a table and tells of what cannot be used. */
export function readReportedSettings<Table extends SettingsTable>(
  table: Table,
  { env, file, report }: Pick<ExportContext, 'env' | 'file' | 'report'>,
): Values<Table> {
  const { settings, unusable } = readSettings(table, env, file);
  for (const problem of unusable) report(describeUnusable(problem));
  return settings;
}
