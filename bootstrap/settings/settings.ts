// The environment, its only home: settings that are needed before the first response, variables of the platform, the settings
// file. What there is to set stands in the table.

import { existsSync } from 'node:fs';
import { runtimeError } from '../../runtime/errors.ts';
import type { FunctionIdentity } from '../../runtime/handler/context.ts';
import type { SettingsTable, Values } from './setting-kinds.ts';
import type { Environment } from './settings-reader.ts';
import type { settingsTable } from './settings-table.ts';

export type Settings = Values<typeof settingsTable>;

/** The settings file: the one that is named, else the one that the OpenTelemetry Lambda extension in Rust would read. */
export function findSettingsFile(env: Environment): string | undefined {
  const { SPANSTRAP_SETTINGS_FILE: named, LAMBDA_TASK_ROOT: taskRoot } = env;
  if (named) return named;
  return [`${taskRoot}/otel-extension.toml`, `${taskRoot}/otel-config.toml`].find((path) => existsSync(path));
}

/** Variables with our prefix that are set and that `table` does not have: settings of exporters, or none at all. */
export function otherVariables(env: Environment, table: SettingsTable): string[] {
  const own = Object.keys(env).filter((variable) => variable.startsWith('SPANSTRAP_'));
  if (own.length === 0) return own;
  const known = new Set(Object.values(table).flatMap((setting) => setting.env));
  return own.filter((variable) => env[variable] && !known.has(variable));
}

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
export function takeVariable(env: Record<string, string | undefined>, variable: string): string | undefined {
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
