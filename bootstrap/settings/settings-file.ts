// Entry of the bundle `settings-file`: reads the settings file, TOML as the OpenTelemetry Lambda extension in Rust has it. Loaded
// only when there is such a file.

import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import type { Environment } from './settings-reader.ts';

export type SettingsFile = { readonly values: Environment; readonly problems: readonly string[] };

const PREFIX = 'LAMBDA_OTEL_';

/** The sections that mean something here, with their fields; the tables know the same, and are not loaded with this. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  exporter: ['compression', 'endpoint', 'headers', 'protocol', 'timeout'],
  flush: ['interval', 'invoke_budget', 'max_batch_bytes', 'max_batch_entries', 'max_queue_entries', 'strategy'],
};

/**
 * What the file says, under the names of variables: `timeout` in `[exporter]` is LAMBDA_OTEL_EXPORTER_TIMEOUT. Never throws: of a
 * file that cannot be read there are no values, and the reason. Other sections are the Rust extension's own affair.
 */
export function readSettingsFile(path: string): SettingsFile {
  try {
    const values: Record<string, string> = {};
    const problems: string[] = [];
    for (const [section, fields] of Object.entries(parse(readFileSync(path, 'utf8')))) {
      if (!isTable(fields)) continue;
      const known = SECTIONS[section.toLowerCase()];
      for (const [field, value] of Object.entries(fields)) {
        if (known !== undefined && !known.includes(field.toLowerCase()))
          problems.push(`the settings file ${path}: [${section}] has no "${field}", it has ${known.join(', ')}`);
        values[`${PREFIX}${section}_${field}`.toUpperCase()] = isTable(value) ? asPairs(value) : String(value);
      }
    }
    return { values, problems };
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    return { values: {}, problems: [`the settings file ${path} cannot be read: ${reason}`] };
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
