// Lambda on this machine, as its users see it: invoke, wait, freeze, shut down, look at what happened. The flow of an invocation
// is invocation-flow.ts, the rules inside one environment are sandbox.ts, the wire is api-server.ts.

import { PAYLOAD_LIMIT_BYTES } from '../../runtime/api/wire.ts';
import { Conditions, type WaitOptions } from '../conditions.ts';
import { ApiServer, type TranscriptEntry } from './api-server.ts';
import { type EmulatorOptions, type EmulatorSettings, settle } from './emulator-options.ts';
import { Environments } from './environments.ts';
import { Faults } from './faults.ts';
import { eventBytes, type InvocationResult, type InvokeOptions, PendingInvocation } from './invocation.ts';
import { InvocationFlow } from './invocation-flow.ts';
import { initFailureText } from './platform-log.ts';
import type { ShutdownReason, ShutdownReport } from './shutdown.ts';
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
  readonly #conditions: Conditions;
  readonly #server: ApiServer;
  readonly #environments: Environments;
  readonly #flow: InvocationFlow;
  #runtimeApi = '';
  #active = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: EmulatorOptions) {
    this.#settings = settle(options);
    this.faults = new Faults(options.faults);
    this.#conditions = new Conditions(() => this.#describe());
    const onChange = (): void => this.#conditions.changed();
    this.#environments = new Environments({
      settings: this.#settings,
      runtimeApi: () => this.#runtimeApi,
      onLine: (line, from) => {
        this.logs.push(line);
        options.onLine?.(line, from);
        onChange();
      },
      onChange,
    });
    this.#flow = new InvocationFlow({
      settings: this.#settings,
      environments: this.#environments,
      log: (line) => {
        this.platformLogs.push(line);
        onChange();
      },
      isLast: () => this.#active === 1,
    });
    this.#server = new ApiServer({
      sandbox: () => this.#environments.current,
      faults: this.faults,
      splitAnswers: options.splitAnswers,
      isSnapStart: options.initializationType === 'snap-start',
      onCall: (entry) => {
        if (this.transcript.push(entry) > TRANSCRIPT_LIMIT) this.transcript.shift();
        onChange();
      },
      onTaken: onChange,
      onAnswered: onChange,
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
    return this.#environments.current?.process.pid;
  }

  /** Environments started so far. */
  get generation(): number {
    return this.#environments.generation;
  }

  get isFrozen(): boolean {
    return this.#environments.current?.process.isFrozen ?? false;
  }

  /** States of the living environment, for conditions and messages; undefined when none lives. */
  get state():
    | { runtime: string; extensions: { name: string; events: readonly string[]; state: string }[] }
    | undefined {
    const sandbox = this.#environments.current;
    return (
      sandbox && {
        runtime: sandbox.runtime.state,
        extensions: sandbox.extensions.all.map(({ name, events, state }) => ({ name, events, state })),
      }
    );
  }

  /** Starts an environment ahead of the first invocation. Resolves with its init time in ms; throws when init fails. */
  async init(): Promise<number> {
    const sandbox = this.#environments.living() ?? this.#environments.start();
    const failure = await this.#environments.initOutcome(sandbox, this.#settings.initTimeoutMs);
    if (failure) {
      await this.#environments.destroy(sandbox, 'failure');
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
    const serve = (): Promise<void> => this.#flow.serve(invocation);
    const turn = maxConcurrency === undefined ? this.#queue.then(serve) : serve();
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
    await this.#environments.current?.process.freeze();
    this.#conditions.changed();
  }

  thaw(): void {
    this.#environments.current?.process.thaw();
    this.#conditions.changed();
  }

  /** Signals the process group. Returns false when nothing runs. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#environments.current?.process.kill(signal) ?? false;
  }

  /** Ends the environment by Lambda's rules. The next invocation starts a new one. undefined: nothing ran. */
  async shutdown(reason: ShutdownReason = 'spindown'): Promise<ShutdownReport | undefined> {
    const sandbox = this.#environments.living();
    return sandbox && (await this.#environments.destroy(sandbox, reason));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#environments.kill();
    await this.#server.close();
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
