// Lambda on this machine: takes invocations, starts and resets the execution environment, enforces its time limits, freezes it
// between invocations. The rules inside one environment are sandbox.ts; the wire is api-server.ts.

import { PAYLOAD_LIMIT_BYTES } from '../../runtime/api/wire.ts';
import { Conditions, type WaitOptions } from '../conditions.ts';
import { ApiServer, type TranscriptEntry } from './api-server.ts';
import { type EmulatorOptions, type EmulatorSettings, settle } from './emulator-options.ts';
import { lambdaEnvironment } from './environment-variables.ts';
import { Faults } from './faults.ts';
import { eventBytes, type InvocationResult, type InvokeOptions, PendingInvocation } from './invocation.ts';
import { exitError, exitText, timeoutError } from './platform-errors.ts';
import {
  endLine,
  extensionLine,
  initFailureText,
  initReportLine,
  reportLine,
  startLine,
  timeoutLine,
} from './platform-log.ts';
import type { ProcessExit } from './process.ts';
import { type InitFailure, Sandbox } from './sandbox.ts';
import { type ShutdownReason, type ShutdownReport, shutDown } from './shutdown.ts';
import { makeTraceHeader } from './trace-header.ts';

/** Calls that are kept; older ones are dropped, so that a benchmark's memory stays flat. */
const TRANSCRIPT_LIMIT = 10_000;

export class Emulator {
  /** Lines of the process's stdout and stderr, all generations. */
  readonly logs: string[] = [];
  /** What the platform itself would write to the log: INIT_REPORT, timeouts, exits, REPORT. */
  readonly platformLogs: string[] = [];
  readonly transcript: TranscriptEntry[] = [];
  readonly faults: Faults;
  readonly #settings: EmulatorSettings;
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #conditions: Conditions;
  readonly #server: ApiServer;
  #runtimeApi = '';
  #sandbox: Sandbox | undefined;
  #generation = 0;
  #active = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: EmulatorOptions) {
    this.#settings = settle(options);
    this.#onLine = options.onLine;
    this.faults = new Faults(options.faults);
    this.#conditions = new Conditions(() => this.#describe());
    this.#server = new ApiServer({
      sandbox: () => this.#sandbox,
      faults: this.faults,
      splitAnswers: options.splitAnswers,
      isSnapStart: options.initializationType === 'snap-start',
      onCall: (entry) => {
        if (this.transcript.push(entry) > TRANSCRIPT_LIMIT) this.transcript.shift();
        this.#conditions.changed();
      },
      onTaken: () => this.#conditions.changed(),
      onAnswered: () => this.#conditions.changed(),
    });
  }

  /** Opens the API's port. Environments start with the first invocation, or with `init()`. */
  async open(): Promise<void> {
    this.#runtimeApi = await this.#server.listen();
    if (this.#settings.environment.initializationType === 'provisioned-concurrency') await this.init();
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
    const failure = await this.#initOutcome(sandbox, this.#settings.initTimeoutMs);
    if (failure) {
      await this.#destroy(sandbox, 'failure');
      throw new Error(`init failed: ${initFailureText(failure)}\n${this.#describe()}`);
    }
    if (this.#settings.isFreezing && this.#active === 0) await this.freeze();
    return sandbox.initMs!;
  }

  /**
   * Invokes the function; resolves when the caller would have its answer, an error, a timeout and a crash included.
   * `event`: any JSON value; a string or bytes are sent as they are.
   */
  invoke(event?: unknown, options: InvokeOptions = {}): Promise<InvocationResult> {
    const { timeoutMs, tracing, maxConcurrency, functionArn } = this.#settings;
    const body = eventBytes(event);
    if (body.length > PAYLOAD_LIMIT_BYTES) {
      return Promise.reject(new RangeError(`the event has ${body.length} bytes, Lambda takes ${PAYLOAD_LIMIT_BYTES}`));
    }
    const given = options.traceHeader;
    const traceHeader = given === null ? undefined : (given ?? makeTraceHeader(tracing));
    const invocation = new PendingInvocation(body, options, functionArn, timeoutMs, traceHeader);
    this.#active++;
    const turn =
      maxConcurrency === undefined ? this.#queue.then(() => this.#serve(invocation)) : this.#serve(invocation);
    const done = turn.finally(() => {
      this.#active--;
      this.#conditions.changed();
    });
    this.#queue = done.catch(() => {});
    const result = Promise.race([invocation.result, done.then(() => invocation.result)]);
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

  #start(): Sandbox {
    const { command, environment, maxConcurrency, externalExtensions, accountId } = this.#settings;
    const { functionName, functionVersion, handler, taskRoot } = environment;
    this.#generation++;
    this.#sandbox = new Sandbox({
      command,
      cwd: taskRoot,
      env: lambdaEnvironment({ ...environment, runtimeApi: this.#runtimeApi }),
      maxConcurrency,
      externalExtensions,
      metadata: { functionName, functionVersion, handler },
      accountId,
      onLine: (line) => {
        this.logs.push(line);
        this.#onLine?.(line);
        this.#conditions.changed();
      },
      onChange: () => this.#conditions.changed(),
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
    let failure = await this.#initOutcome(sandbox, this.#settings.initTimeoutMs);
    if (failure) {
      this.#log(initReportLine(performance.now() - sandbox.process.startedAt, failure));
      await this.#destroy(sandbox, failure.cause === 'timeout' ? 'timeout' : 'failure');
      // Init runs once more inside the invocation, on the function's own clock.
      invocation.start();
      sandbox = this.#startedMeanwhile() ?? this.#start();
      failure = await this.#initOutcome(sandbox, invocation.timeoutMs);
    }
    if (failure) return this.#failInit(sandbox, invocation, failure);
    if (!sandbox.isUsed) for (const extension of sandbox.extensions.all) this.#log(extensionLine(extension));
    sandbox.isUsed = true;
    if (invocation.cold) invocation.initMs = sandbox.initMs;
    await this.#run(sandbox, invocation);
  }

  /** With several invocations at once another one may have started the new environment already. */
  #startedMeanwhile(): Sandbox | undefined {
    return this.#settings.maxConcurrency === undefined ? undefined : this.#living();
  }

  async #initOutcome(sandbox: Sandbox, timeoutMs: number): Promise<InitFailure | undefined> {
    const timer = setTimeout(() => sandbox.giveUpInit(), timeoutMs);
    const failure = await sandbox.initialized;
    clearTimeout(timer);
    return failure;
  }

  async #failInit(sandbox: Sandbox, invocation: PendingInvocation, failure: InitFailure): Promise<void> {
    if (failure.cause === 'timeout') return this.#timeOut(sandbox, invocation);
    if (failure.cause === 'exit') return this.#crash(sandbox, invocation, failure.exit);
    const { body, contentType, errorType } = failure;
    invocation.settle({ status: 'init-error', payload: body, contentType, errorType, platformErrorType: errorType });
    await this.#destroy(sandbox, 'failure');
    invocation.end({ how: 'reset', cause: 'crash' });
  }

  async #run(sandbox: Sandbox, invocation: PendingInvocation): Promise<void> {
    const { requestId, timeoutMs } = invocation;
    const { environment, isFreezing } = this.#settings;
    const clock = Promise.withResolvers<'timeout'>();
    let timer: NodeJS.Timeout | undefined;
    const startClock = (): void => {
      timer = setTimeout(() => clock.resolve('timeout'), invocation.startedAt! + timeoutMs - performance.now());
    };
    const delivered = sandbox.deliver(invocation).then(() => {
      this.#log(startLine(requestId, environment.functionVersion));
      if (sandbox.isConcurrent) startClock();
    });
    if (!sandbox.isConcurrent) {
      invocation.start();
      startClock();
    }
    const how = await Promise.race([invocation.left, sandbox.process.exited, clock.promise]);
    clearTimeout(timer);
    if (how === 'timeout') return this.#timeOut(sandbox, invocation);
    if ('exitCode' in how) return this.#crash(sandbox, invocation, how);
    await delivered;
    this.#log(endLine(requestId));
    if (how.idleMs !== undefined) this.#log(reportLine(invocation, how.idleMs, environment.memoryMb));
    // A later invocation waits its turn behind this one: no freeze can hit work that has begun.
    if (isFreezing && this.#active === 1) await sandbox.process.freeze();
    invocation.end(how);
  }

  async #timeOut(sandbox: Sandbox, invocation: PendingInvocation): Promise<void> {
    const { requestId, timeoutMs } = invocation;
    this.#log(timeoutLine(requestId, timeoutMs));
    invocation.fail('timeout', timeoutError(requestId, timeoutMs));
    const delivery = sandbox.deliveries.find((candidate) => candidate.invocation === invocation);
    if (sandbox.isConcurrent && delivery) {
      sandbox.timeOut(delivery);
      return invocation.end(await invocation.left);
    }
    await this.#destroy(sandbox, 'timeout');
    invocation.end({ how: 'reset', cause: 'timeout' });
  }

  async #crash(sandbox: Sandbox, invocation: PendingInvocation, exit: ProcessExit): Promise<void> {
    const { requestId } = invocation;
    this.#log(`RequestId: ${requestId} Error: ${exitText(exit)}`);
    invocation.fail('crash', exitError(requestId, exit));
    await this.#destroy(sandbox, 'failure');
    invocation.end({ how: 'reset', cause: 'crash', exit });
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
