// What an emulator can be told, and the values that stand where nothing was said.

import path from 'node:path';
import type { EnvironmentOptions, InitializationType } from './environment-variables.ts';
import type { Fault, SplitPlan } from './faults.ts';
import type { TracingMode } from './trace-header.ts';

export type EmulatorOptions = {
  /** Path of the file that Lambda would start. Or `command`: any other runtime, with its arguments. */
  readonly bootstrap?: string;
  readonly command?: readonly [file: string, ...args: string[]];
  /** Stands for /var/task: working directory, LAMBDA_TASK_ROOT. */
  readonly taskRoot: string;
  readonly handler: string;
  /** Stands for /opt; the bootstrap's folder when not given. */
  readonly layerRoot?: string;
  readonly functionName?: string;
  readonly functionVersion?: string;
  readonly region?: string;
  readonly accountId?: string;
  readonly memoryMb?: number;
  /** Of an invocation, extensions included; 30 000 when not given. */
  readonly timeoutMs?: number;
  /** 10 000 when not given, as on demand; with other initialization types 130 000 or the function's own timeout. */
  readonly initTimeoutMs?: number;
  /** The function's own variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Wins over what the platform sets; undefined removes. */
  readonly platformEnvironment?: Readonly<Record<string, string | undefined>>;
  /** SIGSTOP for the process group whenever it is idle, SIGCONT before the next invocation. */
  readonly freeze?: boolean;
  /** Which trace header an invocation gets that brings none of its own; `active` when not given. */
  readonly tracing?: TracingMode;
  readonly xrayDaemonAddress?: string;
  readonly initializationType?: InitializationType;
  readonly logFormat?: 'Text' | 'JSON';
  readonly logLevel?: string;
  /** Managed Instances: several invocations at once, no freeze, no INVOKE events. */
  readonly maxConcurrency?: number;
  /** File names in /opt/extensions. Their processes are not started here: whoever registers under such a name is external. */
  readonly externalExtensions?: readonly string[];
  readonly faults?: readonly Fault[];
  /** Cuts every answer of the API into pieces. */
  readonly splitAnswers?: SplitPlan;
  /** Every line of the process's output, while it comes. */
  readonly onLine?: (line: string, from: 'stdout' | 'stderr') => void;
};

/** The options with every gap filled. */
export type EmulatorSettings = {
  readonly command: readonly [file: string, ...args: string[]];
  readonly environment: Omit<EnvironmentOptions, 'runtimeApi' | 'logStreamName'>;
  readonly functionArn: string;
  readonly accountId: string;
  readonly timeoutMs: number;
  readonly initTimeoutMs: number;
  readonly tracing: TracingMode;
  readonly isFreezing: boolean;
  readonly maxConcurrency: number | undefined;
  readonly externalExtensions: readonly string[];
};

/** Throws when there is nothing to start. */
export function settle(options: EmulatorOptions): EmulatorSettings {
  const { bootstrap, maxConcurrency, timeoutMs = 30_000, region = 'eu-west-1', accountId = '123456789012' } = options;
  const command = options.command ?? (bootstrap === undefined ? undefined : ([path.resolve(bootstrap)] as const));
  if (!command) throw new TypeError('an emulator needs a bootstrap or a command to start');
  const functionName = options.functionName ?? 'function';
  const initializationType =
    options.initializationType ?? (maxConcurrency === undefined ? 'on-demand' : 'lambda-managed-instances');
  return {
    command,
    environment: {
      handler: options.handler,
      taskRoot: path.resolve(options.taskRoot),
      layerRoot: path.resolve(options.layerRoot ?? path.dirname(command[0])),
      functionName,
      functionVersion: options.functionVersion ?? '$LATEST',
      memoryMb: options.memoryMb ?? 512,
      region,
      initializationType,
      logFormat: options.logFormat,
      logLevel: options.logLevel,
      maxConcurrency,
      xrayDaemonAddress: options.xrayDaemonAddress,
      environment: options.environment,
      platformEnvironment: options.platformEnvironment,
    },
    functionArn: `arn:aws:lambda:${region}:${accountId}:function:${functionName}`,
    accountId,
    timeoutMs,
    initTimeoutMs:
      options.initTimeoutMs ?? (initializationType === 'on-demand' ? 10_000 : Math.max(130_000, timeoutMs)),
    tracing: options.tracing ?? 'active',
    isFreezing: options.freeze === true && maxConcurrency === undefined,
    maxConcurrency,
    externalExtensions: options.externalExtensions ?? [],
  };
}
