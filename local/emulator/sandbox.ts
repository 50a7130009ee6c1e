// One life of an execution environment: its process, the states of runtime and extensions, and the invocations inside.
// It answers API calls with values; HTTP is api-server.ts, and what happens across lives is emulator.ts.

import { headers } from '../../runtime/api/wire.ts';
import { Extension, Extensions } from './extension-states.ts';
import type { Idle, PendingInvocation } from './invocation.ts';
import { OpenPolls } from './polls.ts';
import { LambdaProcess, type ProcessExit } from './process.ts';
import { type Answer, accepted, answerJson, forbidden, tooManyIdleRuntimes } from './refusals.ts';
import { type ApiCall, joinChunks } from './request-body.ts';
import { RuntimeStates } from './runtime-states.ts';

export type InitFailure =
  | { readonly cause: 'exit'; readonly exit: ProcessExit }
  | { readonly cause: 'timeout' }
  | {
      readonly cause: 'init-error';
      readonly body: Buffer;
      readonly contentType: string | undefined;
      readonly errorType: string | undefined;
    };

export type SandboxOptions = {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Present: Managed Instances, with that many open polls. */
  readonly maxConcurrency: number | undefined;
  readonly externalExtensions: readonly string[];
  readonly metadata: { readonly functionName: string; readonly functionVersion: string; readonly handler: string };
  readonly accountId: string;
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void;
  /** Called after every change of state. */
  readonly onChange: () => void;
};

/** An invocation inside the environment, from the moment the runtime has the event. */
export type Delivery = {
  readonly invocation: PendingInvocation;
  /** The process-wide states, or with Managed Instances states of this invocation alone. */
  readonly states: RuntimeStates;
  readonly at: number;
  readonly awaited: Set<Extension>;
  runtimeDoneAt: number | undefined;
  isTimedOut: boolean;
};

/** How long a runtime that has reported an init error may take to exit by itself. */
const EXIT_GRACE_MS = 1000;

export class Sandbox {
  readonly process: LambdaProcess;
  readonly extensions: Extensions;
  readonly runtime = new RuntimeStates();
  /** Resolves with undefined when init is complete. Never rejects. */
  readonly initialized: Promise<InitFailure | undefined>;
  readonly options: SandboxOptions;
  initMs: number | undefined;
  /** An invocation has been here: the next one is warm. */
  isUsed = false;
  #endInit: (failure: InitFailure | undefined) => void;
  #initError: Extract<InitFailure, { cause: 'init-error' }> | undefined;
  readonly #polls = new OpenPolls();
  readonly #extensionPolls = new Map<Extension, OpenPolls>();
  readonly #waiting: { readonly invocation: PendingInvocation; readonly delivered: () => void }[] = [];
  readonly #deliveries = new Set<Delivery>();
  readonly #timedOutIds = new Set<string>();

  constructor(options: SandboxOptions) {
    this.options = options;
    this.extensions = new Extensions({
      externalNames: options.externalExtensions,
      isConcurrent: options.maxConcurrency !== undefined,
    });
    const init = Promise.withResolvers<InitFailure | undefined>();
    this.initialized = init.promise;
    this.#endInit = init.resolve;
    this.process = new LambdaProcess(options);
    void this.process.exited.then((exit) => {
      this.#endInit(this.#initError ?? { cause: 'exit', exit });
      options.onChange();
    });
  }

  get isConcurrent(): boolean {
    return this.options.maxConcurrency !== undefined;
  }

  get isInitialized(): boolean {
    return this.initMs !== undefined;
  }

  get deliveries(): readonly Delivery[] {
    return [...this.#deliveries];
  }

  /** Init took too long; the caller of this destroys the environment. */
  giveUpInit(): void {
    this.#endInit({ cause: 'timeout' });
  }

  /** Hands the event to the runtime as soon as a poll is open; resolves when it has it. */
  deliver(invocation: PendingInvocation): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ invocation, delivered: resolve });
    this.#match();
    return promise;
  }

  /** Managed Instances: the invocation is over for its caller, the environment lives on, and a late answer gets 410. */
  timeOut(delivery: Delivery): void {
    delivery.isTimedOut = true;
    this.#timedOutIds.add(delivery.invocation.requestId);
    this.#end(delivery, { how: 'idle', cause: 'timeout' });
  }

  hasTimedOut(requestId: string): boolean {
    return this.#timedOutIds.has(requestId);
  }

  runtimeNext(call: ApiCall): Answer | Promise<Answer> {
    if (this.options.maxConcurrency !== undefined) {
      if (this.#polls.size >= this.options.maxConcurrency) return tooManyIdleRuntimes;
      if (this.runtime.state === 'Started') this.runtime.take('next');
    } else {
      const refused = this.runtime.take('next');
      if (refused) return refused;
      const [current] = this.#deliveries;
      if (current && this.runtime.state === 'Running') return this.#eventAnswer(current.invocation);
      if (current) this.#runtimeIsDone(current);
    }
    this.extensions.close();
    const answer = this.#polls.open(call.signal);
    this.#checkInit();
    this.#match();
    return answer;
  }

  async initErrorReported(call: ApiCall): Promise<Answer> {
    const refused = this.runtime.take('initError');
    const body = await call.readBody({ keepBytes: Number.MAX_SAFE_INTEGER });
    if (refused) return refused;
    this.#initError = {
      cause: 'init-error',
      body: joinChunks(body),
      contentType: call.headers['content-type'],
      errorType: headerText(call, headers.errorType),
    };
    const timer = setTimeout(() => this.process.kill('SIGKILL'), EXIT_GRACE_MS);
    void this.process.exited.then(() => clearTimeout(timer));
    return accepted;
  }

  restoreNext(): Answer {
    const refused = this.runtime.take('restoreNext');
    if (refused) return refused;
    this.extensions.close();
    this.runtime.take('restored');
    return { status: 200, headers: { 'Content-Type': 'application/json' }, body: '' };
  }

  async register(call: ApiCall): Promise<Answer> {
    const body = joinChunks(await call.readBody({ keepBytes: Number.MAX_SAFE_INTEGER }));
    const registered = this.extensions.register(headerText(call, headers.extensionName), body.toString('utf8'));
    if (!(registered instanceof Extension)) return registered;
    const features = (headerText(call, 'lambda-extension-accept-feature') ?? '').split(',').map((name) => name.trim());
    return answerJson(
      { ...this.options.metadata, ...(features.includes('accountId') ? { accountId: this.options.accountId } : {}) },
      { 'Lambda-Extension-Identifier': registered.id },
    );
  }

  extensionNext(call: ApiCall): Answer | Promise<Answer> {
    const extension = this.#extensionOf(call);
    if (!(extension instanceof Extension)) return extension;
    const refused = extension.take('next');
    if (refused) return refused;
    const answer = this.#pollsOf(extension).open(call.signal);
    for (const delivery of this.#deliveries) {
      if (delivery.awaited.delete(extension)) this.#checkIdle(delivery);
    }
    this.#checkInit();
    return answer;
  }

  async extensionErrorReported(call: ApiCall, step: 'initError' | 'exitError'): Promise<Answer> {
    await call.readBody({ keepBytes: 0 });
    const extension = this.#extensionOf(call);
    if (!(extension instanceof Extension)) return extension;
    const errorType = headerText(call, headers.extensionErrorType);
    if (!errorType) {
      return forbidden('Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found');
    }
    const refused = extension.take(step);
    if (refused) return refused;
    extension.errorType ??= errorType;
    return accepted;
  }

  /** The invocation that a request id (and, when echoed, an invocation id) belongs to. */
  deliveryOf(requestId: string, invocationId: string | undefined): Delivery | undefined {
    const all = this.deliveries.filter((delivery) => delivery.invocation.requestId === requestId);
    return all.find((delivery) => delivery.invocation.options.invocationId === invocationId) ?? all[0];
  }

  /** Called when an answer was taken completely. */
  answerTaken(delivery: Delivery): void {
    if (this.isConcurrent) this.#runtimeIsDone(delivery);
    this.options.onChange();
  }

  /** SHUTDOWN goes to the external extensions that asked for it and are polling. */
  tellShutdown(reason: 'spindown' | 'timeout' | 'failure', deadlineEpochMs: number): void {
    for (const extension of this.extensions.all) {
      if (!extension.events.includes('SHUTDOWN') || extension.take('deliver')) continue;
      const event = { eventType: 'SHUTDOWN', shutdownReason: reason.toUpperCase(), deadlineMs: deadlineEpochMs };
      this.#pollsOf(extension).answer(this.#extensionEvent(event));
    }
  }

  #extensionOf(call: ApiCall): Extension | Answer {
    return this.extensions.find(headerText(call, headers.extensionId));
  }

  #pollsOf(extension: Extension): OpenPolls {
    const polls = this.#extensionPolls.get(extension) ?? new OpenPolls();
    this.#extensionPolls.set(extension, polls);
    return polls;
  }

  #checkInit(): void {
    if (this.isInitialized || this.runtime.state !== 'Ready' || !this.extensions.areReady) return;
    this.initMs = performance.now() - this.process.startedAt;
    this.#endInit(undefined);
  }

  #match(): void {
    while (this.isInitialized && this.#waiting.length > 0 && this.#polls.size > 0) {
      const states = this.isConcurrent ? new RuntimeStates('Ready') : this.runtime;
      if (states.take('deliver')) return;
      const { invocation, delivered } = this.#waiting.shift()!;
      invocation.start();
      const delivery: Delivery = {
        invocation,
        states,
        at: performance.now(),
        awaited: new Set(),
        runtimeDoneAt: undefined,
        isTimedOut: false,
      };
      this.#deliveries.add(delivery);
      for (const extension of this.extensions.invokeSubscribers) this.#deliverToExtension(extension, delivery);
      this.#polls.answer(this.#eventAnswer(invocation));
      delivered();
      this.options.onChange();
    }
  }

  #deliverToExtension(extension: Extension, delivery: Delivery): void {
    if (extension.take('deliver')) return;
    delivery.awaited.add(extension);
    this.#pollsOf(extension).answer(this.#extensionEvent(delivery.invocation.invokeEvent()));
  }

  #extensionEvent(event: Record<string, unknown>): Answer {
    return answerJson(event, { 'Lambda-Extension-Event-Identifier': crypto.randomUUID() });
  }

  #eventAnswer(invocation: PendingInvocation): Answer {
    return { status: 200, headers: invocation.nextHeaders(), body: invocation.body };
  }

  #runtimeIsDone(delivery: Delivery): void {
    delivery.runtimeDoneAt ??= performance.now();
    this.#checkIdle(delivery);
  }

  #checkIdle(delivery: Delivery): void {
    if (delivery.runtimeDoneAt === undefined || delivery.awaited.size > 0) return;
    this.#end(delivery, {
      how: 'idle',
      runtimeDoneMs: delivery.runtimeDoneAt - delivery.at,
      idleMs: performance.now() - delivery.at,
    });
  }

  #end(delivery: Delivery, idle: Idle): void {
    if (!this.#deliveries.delete(delivery)) return;
    delivery.invocation.leave(idle);
    this.options.onChange();
  }
}

export function headerText(call: ApiCall, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
