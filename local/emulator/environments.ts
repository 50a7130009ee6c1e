// The execution environment that lives now, if any: starts it, waits for its init, ends it by the rules, starts the next one.

import { atProcessEnd } from '../process-end.ts';
import type { EmulatorSettings } from './emulator-options.ts';
import { createLogStreamName, lambdaEnvironment } from './environment-variables.ts';
import { type InitFailure, Sandbox } from './sandbox.ts';
import { type ShutdownReason, type ShutdownReport, shutDown } from './shutdown.ts';
import { removeTemporaryFiles } from './temporary-files.ts';

export type EnvironmentsOptions = {
  readonly settings: EmulatorSettings;
  readonly runtimeApi: () => string;
  /** A line of the process's output. */
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void;
  /** Something has changed that a condition may look at. */
  readonly onChange: () => void;
};

export class Environments {
  readonly #options: EnvironmentsOptions;
  #current: Sandbox | undefined;
  #generation = 0;
  /** Outlives the process, as /tmp does: after a crash or a timeout the same environment starts its runtime anew. */
  #logStreamName: string | undefined;
  #temporaryFiles: Disposable | undefined;

  constructor(options: EnvironmentsOptions) {
    this.#options = options;
  }

  get current(): Sandbox | undefined {
    return this.#current;
  }

  /** Environments started so far. */
  get generation(): number {
    return this.#generation;
  }

  /** The environment, unless its process has ended behind our back. */
  living(): Sandbox | undefined {
    if (this.#current?.process.ended) this.#current = undefined;
    return this.#current;
  }

  start(): Sandbox {
    const { settings, runtimeApi, onLine, onChange } = this.#options;
    const { command, environment, maxConcurrency, externalExtensions, accountId } = settings;
    const { functionName, functionVersion, handler, taskRoot } = environment;
    this.#generation++;
    const logStreamName = this.#logStreamName ?? createLogStreamName(functionVersion);
    if (this.#logStreamName === undefined)
      this.#temporaryFiles = atProcessEnd(() => removeTemporaryFiles(logStreamName));
    this.#logStreamName = logStreamName;
    this.#current = new Sandbox({
      command,
      cwd: taskRoot,
      env: lambdaEnvironment({ ...environment, logStreamName, runtimeApi: runtimeApi() }),
      maxConcurrency,
      externalExtensions,
      metadata: { functionName, functionVersion, handler },
      accountId,
      onLine,
      onChange,
    });
    return this.#current;
  }

  /** undefined when init is complete; a failure at the time limit at the latest. Does not end the environment. */
  async initOutcome(sandbox: Sandbox, timeoutMs: number): Promise<InitFailure | undefined> {
    const timer = setTimeout(() => sandbox.giveUpInit(), timeoutMs);
    const failure = await sandbox.initialized;
    clearTimeout(timer);
    return failure;
  }

  async destroy(sandbox: Sandbox, reason: ShutdownReason): Promise<ShutdownReport> {
    const report = await shutDown(sandbox, reason);
    if (this.#current === sandbox) this.#current = undefined;
    if (reason === 'spindown') this.#forget();
    this.#options.onChange();
    return report;
  }

  /** Without ceremony: the emulator itself ends. */
  async kill(): Promise<void> {
    const sandbox = this.#current;
    sandbox?.process.thaw();
    sandbox?.process.kill('SIGKILL');
    await sandbox?.process.exited;
    this.#forget();
  }

  #forget(): void {
    this.#logStreamName = undefined;
    this.#temporaryFiles?.[Symbol.dispose]();
    this.#temporaryFiles = undefined;
  }
}
