// Entry of the bundle `settings-file`: reads the settings file, TOML as the OpenTelemetry Lambda extension in Rust has it. Loaded
// only when there is such a file.

import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import type { Environment } from './settings-reader.ts';

export type SettingsFile = { readonly values: Environment; readonly problem: string | undefined };

const PREFIX = 'LAMBDA_OTEL_';

/**
 * What the file says, under the names of variables: `timeout` in `[exporter]` is LAMBDA_OTEL_EXPORTER_TIMEOUT. Never throws: of a
 * file that cannot be read there are no values, and the reason.
 */
export function readSettingsFile(path: string): SettingsFile {
  try {
    const values: Record<string, string> = {};
    for (const [section, fields] of Object.entries(parse(readFileSync(path, 'utf8')))) {
      if (!isTable(fields)) continue;
      for (const [field, value] of Object.entries(fields)) {
        values[`${PREFIX}${section}_${field}`.toUpperCase()] = isTable(value) ? asPairs(value) : String(value);
      }
    }
    return { values, problem: undefined };
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    return { values: {}, problem: `the settings file ${path} cannot be read: ${reason}` };
  }
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** `[exporter.headers]`, in the form that headers have in a variable. */
function asPairs(table: Record<string, unknown>): string {
  return Object.entries(table)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`)
    .join(',');
}
