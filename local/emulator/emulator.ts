// Lambda on this machine: takes invocations, starts and resets the execution environment, enforces its time limits, freezes it
// between invocations. The rules inside one environment are sandbox.ts; the wire is api-server.ts.

import path from 'node:path';
import { Conditions, type WaitOptions } from '../conditions.ts';
import { ApiServer, type TranscriptEntry } from './api-server.ts';
import { type EnvironmentOptions, type InitializationType, lambdaEnvironment } from './environment-variables.ts';
import { type Fault, Faults, type SplitPlan } from './faults.ts';
import { eventBytes, type InvocationResult, type InvokeOptions, PendingInvocation } from './invocation.ts';
import { exitError, exitText, timeoutError, timeoutText } from './platform-errors.ts';
import { type Delivery, type InitFailure, Sandbox } from './sandbox.ts';
import { type ShutdownReason, type ShutdownReport, shutDown } from './shutdown.ts';
import { makeTraceHeader, type TracingMode } from './trace-header.ts';

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
  /** 10 000 when not given, as on demand; with provisioned concurrency 130 000 or the function's own timeout. */
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
  readonly onLine?: (line: string) => void;
};

/** Calls that are kept; older ones are dropped, so that a benchmark's memory stays flat. */
const TRANSCRIPT_LIMIT = 10_000;

export class Emulator {
  /** Lines of the process's stdout and stderr, all generations. */
  readonly logs: string[] = [];
  /** What the platform itself would write to the log: INIT_REPORT, timeouts, exits, REPORT. */
  readonly platformLogs: string[] = [];
  readonly transcript: TranscriptEntry[] = [];
  readonly faults: Faults;
  readonly #options: EmulatorOptions;
  readonly #conditions: Conditions;
  readonly #server: ApiServer;
  #runtimeApi = '';
  #sandbox: Sandbox | undefined;
  #generation = 0;
  #active = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: EmulatorOptions) {
    this.#options = options;
    this.faults = new Faults(options.faults);
    this.#conditions = new Conditions(() => this.#describe());
    const { splitAnswers, initializationType } = options;
    this.#server = new ApiServer({
      sandbox: () => this.#sandbox,
      faults: this.faults,
      splitAnswers,
      isSnapStart: initializationType === 'snap-start',
      onCall: (entry) => {
        if (this.transcript.push(entry) > TRANSCRIPT_LIMIT) this.transcript.shift();
        this.#conditions.changed();
      },
      onAnswered: () => this.#conditions.changed(),
    });
  }

  /** Opens the API's port. Environments start with the first invocation, or with `init()`. */
  async open(): Promise<void> {
    this.#runtimeApi = await this.#server.listen();
    if (this.#options.initializationType === 'provisioned-concurrency') await this.init();
  }

  /** `host:port` of the Runtime API. */
  get runtimeApi(): string {
    return this.#runtimeApi;
  }

  get pid(): number | undefined {
    return this.#sandbox?.process.pid;
  }

  /** Environments started so far. */
  get generation(): number {
    return this.#generation;
  }

  get isFrozen(): boolean {
    return this.#sandbox?.process.isFrozen ?? false;
  }

  /** States of the living environment, for conditions and messages; undefined when none lives. */
  get state():
    | { runtime: string; extensions: { name: string; events: readonly string[]; state: string }[] }
    | undefined {
    const sandbox = this.#sandbox;
    return (
      sandbox && {
        runtime: sandbox.runtime.state,
        extensions: sandbox.extensions.all.map(({ name, events, state }) => ({ name, events, state })),
      }
    );
  }

  /** Starts an environment ahead of the first invocation. Resolves with its init time in ms; throws when init fails. */
  async init(): Promise<number> {
    const sandbox = this.#living() ?? this.#start();
    const failure = await this.#initOutcome(sandbox, this.#initTimeoutMs);
    if (failure) {
      await this.#destroy(sandbox, 'failure');
      throw new Error(`init failed: ${describeFailure(failure)}\n${this.#describe()}`);
    }
    return sandbox.initMs!;
  }

  /**
   * Invokes the function; resolves when the caller would have its answer, an error, a timeout and a crash included.
   * `event`: any JSON value; a string or bytes are sent as they are.
   */
  invoke(event?: unknown, options: InvokeOptions = {}): Promise<InvocationResult> {
    const { timeoutMs = 30_000, tracing = 'active', maxConcurrency } = this.#options;
    const given = options.traceHeader;
    const traceHeader = given === null ? undefined : (given ?? makeTraceHeader(tracing));
    const invocation = new PendingInvocation(eventBytes(event), options, this.#functionArn, timeoutMs, traceHeader);
    this.#active++;
    const turn =
      maxConcurrency === undefined ? this.#queue.then(() => this.#serve(invocation)) : this.#serve(invocation);
    const done = turn.finally(() => {
      this.#active--;
      this.#conditions.changed();
    });
    this.#queue = done.catch(() => {});
    const failed = done.then(() => invocation.result);
    const result = Promise.race([invocation.result, failed]);
    return options.signal ? abortable(result, options.signal) : result;
  }

  /** Resolves when no invocation is under way and the environment was frozen, if it shall be. */
  waitForIdle(deadlineMs?: number): Promise<unknown> {
    return this.waitFor(() => this.#active === 0, {
      what: 'no invocation under way',
      ...(deadlineMs && { deadlineMs }),
    });
  }

  /** Waits for a condition over anything that is visible here; looks again after every call, line and change of state. */
  waitFor<T>(check: () => T, options: WaitOptions): Promise<NonNullable<T>> {
    return this.#conditions.waitFor(check, options);
  }

  async freeze(): Promise<void> {
    await this.#sandbox?.process.freeze();
    this.#conditions.changed();
  }

  thaw(): void {
    this.#sandbox?.process.thaw();
    this.#conditions.changed();
  }

  /** Signals the process group. Returns false when nothing runs. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#sandbox?.process.kill(signal) ?? false;
  }

  /** Ends the environment by Lambda's rules. The next invocation starts a new one. undefined: nothing ran. */
  async shutdown(reason: ShutdownReason = 'spindown'): Promise<ShutdownReport | undefined> {
    const sandbox = this.#sandbox;
    return sandbox && (await this.#destroy(sandbox, reason));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sandbox = this.#sandbox;
    if (sandbox) {
      sandbox.process.thaw();
      sandbox.process.kill('SIGKILL');
      await sandbox.process.exited;
    }
    await this.#server.close();
  }

  get #functionArn(): string {
    const { region = 'eu-west-1', accountId = '123456789012', functionName = 'function' } = this.#options;
    return `arn:aws:lambda:${region}:${accountId}:function:${functionName}`;
  }

  get #initTimeoutMs(): number {
    const { initTimeoutMs, initializationType = 'on-demand', timeoutMs = 30_000 } = this.#options;
    return initTimeoutMs ?? (initializationType === 'on-demand' ? 10_000 : Math.max(130_000, timeoutMs));
  }

  #start(): Sandbox {
    const { bootstrap, command, taskRoot, maxConcurrency, handler, layerRoot, ...options } = this.#options;
    const start = command ?? (bootstrap === undefined ? undefined : ([path.resolve(bootstrap)] as const));
    if (!start) throw new Error('the emulator needs a bootstrap or a command to start');
    const functionName = options.functionName ?? 'function';
    const functionVersion = options.functionVersion ?? '$LATEST';
    const environment: EnvironmentOptions = {
      ...options,
      runtimeApi: this.#runtimeApi,
      handler,
      taskRoot: path.resolve(taskRoot),
      layerRoot: path.resolve(layerRoot ?? path.dirname(start[0])),
      functionName,
      functionVersion,
      memoryMb: options.memoryMb ?? 512,
      region: options.region ?? 'eu-west-1',
      initializationType:
        options.initializationType ?? (maxConcurrency === undefined ? 'on-demand' : 'lambda-managed-instances'),
      maxConcurrency,
    };
    this.#generation++;
    this.#sandbox = new Sandbox({
      command: start,
      cwd: environment.taskRoot,
      env: lambdaEnvironment(environment),
      maxConcurrency,
      externalExtensions: options.externalExtensions ?? [],
      metadata: { functionName, functionVersion, handler },
      accountId: options.accountId ?? '123456789012',
      onLine: (line) => {
        this.logs.push(line);
        options.onLine?.(line);
        this.#conditions.changed();
      },
      onChange: () => this.#conditions.changed(),
      onDelivered: ({ invocation }) =>
        this.#log(`START RequestId: ${invocation.requestId} Version: ${functionVersion}`),
    });
    return this.#sandbox;
  }

  /** The environment, unless its process has ended behind our back. */
  #living(): Sandbox | undefined {
    if (this.#sandbox?.process.exit) this.#sandbox = undefined;
    return this.#sandbox;
  }

  async #serve(invocation: PendingInvocation): Promise<void> {
    let sandbox = this.#living();
    invocation.cold = sandbox === undefined || !sandbox.isUsed;
    sandbox ??= this.#start();
    sandbox.process.thaw();
    let failure = await this.#initOutcome(sandbox, this.#initTimeoutMs);
    if (failure) {
      this.#log(`INIT_REPORT Phase: init Status: ${describeFailure(failure)}`);
      await this.#destroy(sandbox, failure.cause === 'timeout' ? 'timeout' : 'failure');
      // Init runs once more inside the invocation, on the function's own clock.
      invocation.start();
      sandbox = this.#concurrentSuccessor() ?? this.#start();
      failure = await this.#initOutcome(sandbox, invocation.timeoutMs);
    }
    if (failure) return this.#failInvocation(sandbox, invocation, failure);
    sandbox.isUsed = true;
    if (invocation.cold) invocation.initMs = sandbox.initMs;
    await this.#run(sandbox, invocation);
  }

  /** With several invocations at once another one may have started the new environment already. */
  #concurrentSuccessor(): Sandbox | undefined {
    return this.#options.maxConcurrency === undefined ? undefined : this.#living();
  }

  async #initOutcome(sandbox: Sandbox, timeoutMs: number): Promise<InitFailure | undefined> {
    const timer = setTimeout(() => sandbox.giveUpInit(), timeoutMs);
    const failure = await sandbox.initialized;
    clearTimeout(timer);
    return failure;
  }

  async #failInvocation(sandbox: Sandbox, invocation: PendingInvocation, failure: InitFailure): Promise<void> {
    const { requestId, timeoutMs } = invocation;
    if (failure.cause === 'init-error') {
      const { body, contentType, errorType } = failure;
      invocation.settle({ status: 'init-error', payload: body, contentType, errorType, platformErrorType: errorType });
    } else if (failure.cause === 'timeout') {
      this.#log(`${new Date().toISOString()} ${requestId} ${timeoutText(timeoutMs)}`);
      invocation.fail('timeout', timeoutError(requestId, timeoutMs));
    } else {
      invocation.fail('crash', exitError(requestId, failure.exit));
    }
    await this.#destroy(sandbox, failure.cause === 'timeout' ? 'timeout' : 'failure');
    invocation.end({ how: 'reset', cause: failure.cause === 'timeout' ? 'timeout' : 'crash' });
  }

  async #run(sandbox: Sandbox, invocation: PendingInvocation): Promise<void> {
    const { requestId, timeoutMs } = invocation;
    if (!sandbox.isConcurrent) invocation.start();
    const clock = Promise.withResolvers<'timeout'>();
    let timer: NodeJS.Timeout | undefined;
    const startClock = (): void => {
      timer = setTimeout(() => clock.resolve('timeout'), invocation.startedAt! + timeoutMs - performance.now());
    };
    const delivered = sandbox.deliver(invocation);
    if (sandbox.isConcurrent) void delivered.then(startClock);
    else startClock();
    const how = await Promise.race([invocation.left, sandbox.process.exited, clock.promise]);
    clearTimeout(timer);
    if (how === 'timeout') {
      this.#log(`${new Date().toISOString()} ${requestId} ${timeoutText(timeoutMs)}`);
      invocation.fail('timeout', timeoutError(requestId, timeoutMs));
      const delivery = sandbox.deliveries.find((candidate) => candidate.invocation === invocation);
      if (sandbox.isConcurrent && delivery) {
        sandbox.timeOut(delivery);
        return invocation.end(await invocation.left);
      }
      await this.#destroy(sandbox, 'timeout');
      return invocation.end({ how: 'reset', cause: 'timeout' });
    }
    if ('exitCode' in how) {
      this.#log(`RequestId: ${requestId} Error: ${exitText(how)}`);
      invocation.fail('crash', exitError(requestId, how));
      await this.#destroy(sandbox, 'failure');
      return invocation.end({ how: 'reset', cause: 'crash', exit: how });
    }
    this.#log(`END RequestId: ${requestId}`);
    if (how.idleMs !== undefined) this.#log(reportLine(invocation, how.idleMs, this.#options.memoryMb ?? 512));
    if (this.#options.freeze && this.#active === 1) await sandbox.process.freeze();
    invocation.end(how);
  }

  async #destroy(sandbox: Sandbox, reason: ShutdownReason): Promise<ShutdownReport> {
    const report = await shutDown(sandbox, reason);
    if (this.#sandbox === sandbox) this.#sandbox = undefined;
    this.#conditions.changed();
    return report;
  }

  #log(line: string): void {
    this.platformLogs.push(line);
    this.#conditions.changed();
  }

  #describe(): string {
    const calls = this.transcript
      .slice(-15)
      .map(({ at, method, path: url, status }) => `  ${at.toFixed(1)} ${method} ${url} -> ${status ?? 'waiting'}`);
    return [
      `environment: ${JSON.stringify(this.state ?? 'none')}${this.isFrozen ? ' (frozen)' : ''}`,
      'last API calls (ms, call, status):',
      ...calls,
      'last platform lines:',
      ...this.platformLogs.slice(-5).map((line) => `  ${line}`),
      'last output lines:',
      ...this.logs.slice(-15).map((line) => `  ${line}`),
    ].join('\n');
  }
}

function describeFailure(failure: InitFailure): string {
  if (failure.cause === 'timeout') return 'timeout';
  if (failure.cause === 'exit') return `error Error Type: Runtime.ExitError (${exitText(failure.exit)})`;
  return `error Error Type: ${failure.errorType ?? 'Runtime.Unknown'}`;
}

function reportLine(invocation: PendingInvocation, idleMs: number, memoryMb: number): string {
  const init = invocation.initMs === undefined ? '' : `\tInit Duration: ${invocation.initMs.toFixed(2)} ms`;
  const billed = Math.ceil(idleMs);
  return `REPORT RequestId: ${invocation.requestId}\tDuration: ${idleMs.toFixed(2)} ms\tBilled Duration: ${billed} ms\tMemory Size: ${memoryMb} MB${init}`;
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Starts an emulator. Dispose of it (`await using`) or its process and port stay. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const emulator = new Emulator(options);
  await emulator.open();
  return emulator;
}

export type { Delivery, Fault, InvocationResult, InvokeOptions, ShutdownReport, TranscriptEntry };
