// The environment that Lambda gives a custom runtime: names, values and which of them a customer may override.
// Source: Lambda Developer Guide, "Using Lambda environment variables"; dump of a zip function on provided.al2023.

import { randomBytes } from 'node:crypto';
import path from 'node:path';

export type InitializationType = 'on-demand' | 'provisioned-concurrency' | 'snap-start' | 'lambda-managed-instances';

export type EnvironmentOptions = {
  readonly runtimeApi: string;
  /** One stream per environment; a new one when not given. */
  readonly logStreamName?: string;
  readonly handler: string;
  readonly taskRoot: string;
  /** Stands where /opt stands on Lambda: its `bin` is on PATH, its `lib` on LD_LIBRARY_PATH. */
  readonly layerRoot: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly memoryMb: number;
  readonly region: string;
  readonly initializationType: InitializationType;
  readonly logFormat?: 'Text' | 'JSON' | undefined;
  readonly logLevel?: string | undefined;
  readonly maxConcurrency?: number | undefined;
  /** `host:port`; the X-Ray variables are absent when not given. */
  readonly xrayDaemonAddress?: string | undefined;
  /** The customer's variables. Reserved names are ignored, as the platform refuses them. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Wins over everything, reserved names included; undefined removes a variable. For tests of a strange platform. */
  readonly platformEnvironment?: Readonly<Record<string, string | undefined>> | undefined;
};

/** Set by the platform, but the customer's value wins. */
const overridable = ['LANG', 'PATH', 'LD_LIBRARY_PATH', 'TZ', 'AWS_XRAY_CONTEXT_MISSING', 'AWS_XRAY_DAEMON_ADDRESS'];

/** The complete environment of the runtime's process. Nothing of this process's own environment is in it. */
export function lambdaEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { taskRoot, layerRoot, region, functionName, functionVersion } = options;
  const platform: Record<string, string | undefined> = {
    _HANDLER: options.handler,
    AWS_LAMBDA_RUNTIME_API: options.runtimeApi,
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: functionVersion,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(options.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: options.logStreamName ?? createLogStreamName(functionVersion),
    AWS_LAMBDA_INITIALIZATION_TYPE: options.initializationType,
    AWS_LAMBDA_LOG_FORMAT: options.logFormat,
    AWS_LAMBDA_LOG_LEVEL: options.logLevel,
    AWS_LAMBDA_MAX_CONCURRENCY: options.maxConcurrency === undefined ? undefined : String(options.maxConcurrency),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: 'LOCALEMULATORKEY',
    AWS_SECRET_ACCESS_KEY: 'local-emulator-secret',
    AWS_SESSION_TOKEN: 'local-emulator-token',
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    PATH: `/usr/local/bin:/usr/bin/:/bin:${path.join(layerRoot, 'bin')}`,
    LD_LIBRARY_PATH: [
      '/lib64:/usr/lib64:/var/runtime:/var/runtime/lib',
      taskRoot,
      path.join(taskRoot, 'lib'),
      path.join(layerRoot, 'lib'),
    ].join(':'),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    ...xrayVariables(options.xrayDaemonAddress),
  };
  const merged: Record<string, string | undefined> = { ...options.environment, ...platform };
  for (const name of overridable) {
    const own = options.environment?.[name];
    if (own !== undefined) merged[name] = own;
  }
  Object.assign(merged, options.platformEnvironment);
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** `2026/01/31/[$LATEST]<32 hex>`. */
export function createLogStreamName(functionVersion: string): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[${functionVersion}]${randomBytes(16).toString('hex')}`;
}

function xrayVariables(address: string | undefined): Record<string, string> {
  if (!address) return {};
  const colon = address.lastIndexOf(':');
  return {
    AWS_XRAY_DAEMON_ADDRESS: address,
    _AWS_XRAY_DAEMON_ADDRESS: address.slice(0, colon),
    _AWS_XRAY_DAEMON_PORT: address.slice(colon + 1),
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
  };
}
