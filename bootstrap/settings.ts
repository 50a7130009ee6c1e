// Reads the settings out of the environment: one frozen result, one line for each value that cannot be used. The only place
// that knows how a variable becomes a value; what there is to set stands in the table.

import { runtimeError } from '../runtime/errors.ts';
import type { FunctionIdentity } from '../runtime/handler/context.ts';
import { type Setting, type SettingsTable, settingsTable } from './settings-table.ts';

export type Settings = {
  readonly [Name in keyof SettingsTable]: SettingsTable[Name] extends Setting<infer Value> ? Value : never;
};

export type ReadSettings = { readonly settings: Settings; readonly problems: readonly string[] };

/** Never throws: a value that cannot be used is named in `problems`, with what stands in for it. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): ReadSettings {
  const settings: Record<string, unknown> = {};
  const problems: string[] = [];
  const known = new Set<string>();
  for (const [name, setting] of Object.entries(settingsTable) as [string, Setting<unknown>][]) {
    settings[name] = setting.default;
    const refused: string[] = [];
    let used = describeDefault(setting);
    for (const variable of setting.env) {
      known.add(variable);
      // An empty variable counts as unset (OpenTelemetry specification, "General SDK configuration").
      const text = env[variable]?.trim();
      if (!text) continue;
      const value = setting.parse(text);
      if (value !== undefined) {
        settings[name] = value;
        used = `the value of ${variable}`;
        break;
      }
      const seen = setting.isSecret ? 'a value that is not shown' : JSON.stringify(text.slice(0, 80));
      refused.push(`${variable} is ${seen}, which is not ${setting.expected}`);
    }
    for (const refusal of refused) problems.push(`${refusal}; ${used} is used`);
  }
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('SPANSTRAP_') || known.has(variable) || readElsewhere.has(variable)) continue;
    problems.push(`${variable} is no setting of spanstrap${suggest(variable, known)}`);
  }
  return { settings: Object.freeze(settings) as Settings, problems };
}

type Environment = Record<string, string | undefined>;

/**
 * A variable that the platform always sets.
 * @throws Runtime.PlatformError
 */
export function requireVariable(env: Environment, variable: string): string {
  const value = env[variable];
  if (!value) throw runtimeError('MissingEnvironmentVariable', { variable });
  return value;
}

/** Reads a variable that user code must not see, and removes it. */
export function takeVariable(env: Environment, variable: string): string | undefined {
  const value = env[variable];
  delete env[variable];
  return value;
}

/** What the context object shows of the function's configuration. */
export function readIdentity(env: Environment): FunctionIdentity {
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

/** Read by the bootstrap script before Node runs. */
const readElsewhere = new Set(['SPANSTRAP_NODE']);

function describeDefault(setting: Setting<unknown>): string {
  return setting.default === undefined ? 'the default' : `the default ${JSON.stringify(setting.default)}`;
}

function suggest(variable: string, known: ReadonlySet<string>): string {
  let best: string | undefined;
  let bestDistance = 4;
  for (const name of known) {
    if (!name.startsWith('SPANSTRAP_')) continue;
    const distance = editDistance(variable, name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
