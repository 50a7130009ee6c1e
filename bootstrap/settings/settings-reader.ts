// Makes values of what the environment and the settings file say: what there is to set stands in the tables. Part of every bundle
// that has a table.

import type { Setting, SettingsTable, Values } from './setting-kinds.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A text that is no value of its setting. */
export type UnusableText = {
  readonly setting: Setting<unknown>;
  readonly variable: string;
  readonly isInFile: boolean;
  readonly text: string;
  /** The variable whose value is used instead; undefined: the default is. */
  readonly used: string | undefined;
};

export type ReadSettings<Table extends SettingsTable> = {
  readonly settings: Values<Table>;
  readonly unusable: readonly UnusableText[];
};

/**
 * Never throws: for a text that cannot be used the next in precedence stands in. `file` has what the settings file says, under the
 * names of variables; it is asked last.
 */
export function readSettings<Table extends SettingsTable>(
  table: Table,
  env: Environment,
  file: Environment = {},
): ReadSettings<Table> {
  const settings: Record<string, unknown> = {};
  const unusable: UnusableText[] = [];
  for (const name of Object.keys(table)) settings[name] = readOne(table[name]!, env, file, unusable);
  return { settings: Object.freeze(settings) as Values<Table>, unusable };
}

function readOne(setting: Setting<unknown>, env: Environment, file: Environment, unusable: UnusableText[]): unknown {
  let value = setting.default;
  let used: string | undefined;
  const bad: Omit<UnusableText, 'used'>[] = [];
  for (const source of [env, file]) {
    for (const variable of setting.env) {
      if (used !== undefined && setting.merge === undefined) break;
      // An empty variable counts as unset (OpenTelemetry specification, "General SDK configuration").
      const text = source[variable]?.trim();
      if (!text) continue;
      const parsed = setting.parse(text);
      if (parsed === undefined) bad.push({ setting, variable, isInFile: source === file, text });
      else value = used === undefined ? parsed : setting.merge!(value, parsed);
      if (parsed !== undefined) used ??= variable;
    }
  }
  for (const item of bad) unusable.push({ ...item, used });
  return value;
}
