// The settings in effect, as far as somebody has made them differ from their defaults, and those that have no effect.

import { allSettings, type SettingName } from '../settings/all-settings.ts';
import type { Setting } from '../settings/setting-kinds.ts';
import { otherVariables } from '../settings/settings.ts';
import { describeProblems } from '../settings/settings-check.ts';
import { describeUnusable } from '../settings/settings-problems.ts';
import { type Environment, readSettings } from '../settings/settings-reader.ts';
import { settingsTable } from '../settings/settings-table.ts';
import type { Line } from './report-text.ts';
import { headerNames, withoutSecrets } from './shown-value.ts';

/** Their lines stand elsewhere, or say nothing. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['isDoctorOn', 'xrayDaemonAddress']);
/** These may hold a password. */
const PROXIES = ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy'];

export function settingsLines(env: Environment, file: Environment): Line[] {
  const { settings, unusable } = readSettings(allSettings, env, file);
  const lines: Line[] = [];
  for (const name of Object.keys(allSettings) as SettingName[]) {
    const setting: Setting<unknown> = allSettings[name];
    if (TOLD_ELSEWHERE.has(name) || isSame(settings[name], setting.default)) continue;
    for (const [variable, text] of sourcesOf(setting, env, file)) lines.push([variable, shown(name, setting, text)]);
  }
  for (const variable of PROXIES) if (env[variable]) lines.push([variable, 'set, value hidden']);
  const problems = [...unusable.map(describeUnusable), ...describeProblems([], otherVariables(env, settingsTable))];
  return [...lines, ...problems.map((problem): Line => ['without effect', problem])];
}

/** The variables that have made the value: the first that is usable, and all where they are merged. */
function sourcesOf(setting: Setting<unknown>, env: Environment, file: Environment): Line[] {
  const found: Line[] = [];
  for (const [source, place] of [
    [env, ''],
    [file, ' (settings file)'],
  ] as const) {
    for (const variable of setting.env) {
      const text = source[variable]?.trim();
      if (!text || setting.parse(text) === undefined) continue;
      if (found.length > 0 && setting.merge === undefined) return found;
      found.push([`${variable}${place}`, text]);
    }
  }
  return found;
}

function shown(name: SettingName, { isSecret }: Setting<unknown>, text: string): string {
  if (name === 'headers') return `${headerNames(text)} (values hidden)`;
  return isSecret ? 'set, value hidden' : withoutSecrets(text);
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
