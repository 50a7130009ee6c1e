// The runtime: polls for an invocation, has the handler called, posts what came of it, and polls again. One invocation can be
// followed here from its bytes to its bytes; how a handler finishes, and what an error looks like, are other files' business.

import type { Delivery, ErrorReport, Receipt, RuntimeApi } from './api/runtime-api.ts';
import { errorBody } from './error-body.ts';
import { xrayErrorCause } from './error-cause.ts';
import { errorText, runtimeError } from './errors.ts';
import type { WhenIdle } from './event-loop.ts';
import type { Extension } from './extension.ts';
import { callHandler } from './handler/completion.ts';
import { createContext, type FunctionIdentity } from './handler/context.ts';
import type { HandlerFunction } from './handler/module-loading.ts';
import type { HandlerCompat } from './handler-compat.ts';
import type { Invocation, InvocationObservation, InvocationObserver } from './lifecycle.ts';
import { StreamedAnswer } from './streamed-answer.ts';
import type { StreamingMark } from './streaming-mark.ts';
import type { UserScope } from './user-scope.ts';

/** The runtime's own lines in the function's log. */
export interface LoopLog {
  logInvokeError(error: unknown): void;
  error(text: string): void;
  warn(text: string): void;
}

export type LoopOptions = {
  readonly api: RuntimeApi;
  readonly handler: HandlerFunction;
  readonly streaming: StreamingMark;
  readonly observer: InvocationObserver;
  readonly extension: Extension;
  readonly scope: UserScope;
  readonly compat: HandlerCompat;
  readonly whenIdle: WhenIdle;
  readonly log: LoopLog;
  readonly workingDirectory: string;
  /** Read anew for every invocation: user code may change the environment. */
  identity(): FunctionIdentity;
  describeUnfinished(): string;
};

/** An invocation between its delivery and its answer. */
type OpenInvocation = {
  readonly invocation: Invocation;
  readonly event: unknown;
  /** Why the event is none, when it was not JSON: that is this invocation's error, not the runtime's. */
  readonly eventError: unknown;
  readonly observation: InvocationObservation;
  /** Set while the answer is being streamed: a failure then goes into its trailers. */
  streamed?: StreamedAnswer;
};

// Captured before user code can mock them.
const now = performance.now.bind(performance);
const { parse, stringify } = JSON;

export class Loop {
  readonly #options: LoopOptions;
  /** Open invocations that nothing has been posted for. */
  readonly #unanswered = new Set<OpenInvocation>();

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /**
   * Serves invocations one after the other, for ever.
   * @throws Runtime.PlatformError when the Runtime API cannot be used any more; the process must end
   */
  async serve(): Promise<never> {
    const { api, observer, extension, scope, streaming } = this.#options;
    for (;;) {
      const open = this.#open(await api.next());
      const { invocation, observation } = open;
      await scope.run(invocation, observation.traceHeader, () =>
        streaming.isStreaming ? this.#stream(open) : this.#answer(open),
      );
      extension.answered(invocation.requestId);
      // With an extension the platform waits for that one; without, it freezes the process as soon as `next` is called.
      if (!extension.isRegistered) await observer.flush('invocation', invocation.deadlineEpochMs);
    }
  }

  /** The process is about to end because of `error`: fails what is still unanswered. Never rejects. */
  async crash(error: unknown): Promise<void> {
    const failures = [...this.#unanswered].map((open) =>
      open.streamed === undefined ? this.#fail(open, error, { isLogged: true }) : open.streamed.fail(error),
    );
    await Promise.allSettled(failures);
  }

  #open({ invocation, body }: Delivery): OpenInvocation {
    let event: unknown;
    let eventError: unknown;
    try {
      event = parse(body.toString('utf8'));
    } catch (error) {
      eventError = error;
    }
    const open = { invocation, event, eventError, observation: this.#options.observer.begin(invocation, event) };
    this.#unanswered.add(open);
    return open;
  }

  async #answer(open: OpenInvocation): Promise<void> {
    const { invocation, event, eventError, observation } = open;
    const { api, handler, compat, whenIdle, describeUnfinished } = this.#options;
    let json: string;
    try {
      if (eventError !== undefined) throw eventError;
      const context = createContext(invocation, this.#options.identity(), observation.traceHeader);
      const call = { handler, event, context, compat, whenIdle, describeUnfinished };
      const result = await observation.run(() => callHandler(call));
      const settledAt = now();
      json = serialize(result, compat);
      observation.handlerSettled({ ok: true, at: settledAt, result, isStreamed: false });
    } catch (error) {
      return this.#fail(open, error, { isLogged: false });
    }
    await this.#post(open, 'success', now(), () => api.respond(invocation, json));
  }

  async #stream(open: OpenInvocation): Promise<void> {
    const { invocation, event, eventError, observation } = open;
    const { api, handler, streaming, compat, log, whenIdle, describeUnfinished } = this.#options;
    const streamed = new StreamedAnswer({
      openPost: (contentType) => api.respondStreaming(invocation, contentType),
      highWaterMarkBytes: streaming.highWaterMarkBytes,
      compat,
    });
    open.streamed = streamed;
    try {
      if (eventError !== undefined) throw eventError;
      const context = createContext(invocation, this.#options.identity(), observation.traceHeader);
      const call = { handler, event, context, whenIdle, describeUnfinished, warn: (text: string) => log.warn(text) };
      const result = await observation.run(() => streamed.call(call));
      observation.handlerSettled({ ok: true, at: now(), result, isStreamed: true });
    } catch (error) {
      const { errorType } = reportOf(error, compat, this.#options.workingDirectory);
      observation.handlerSettled({ ok: false, at: now(), error, errorType });
      observation.run(() => log.logInvokeError(error));
      // Not over before the POST is: a poll before its end would be refused.
      await streamed.fail(error);
    }
    this.#unanswered.delete(open);
    const { status, bodyBytes } = streamed;
    observation.answered({ at: now(), bodyBytes, status, serializedAt: now() });
    if (status !== undefined && status >= 300)
      log.error(`Failed to post handler success response. Http response code: ${status}.`);
  }

  async #fail(open: OpenInvocation, error: unknown, { isLogged }: { isLogged: boolean }): Promise<void> {
    const { invocation, observation } = open;
    const { api, log, compat, workingDirectory } = this.#options;
    const at = now();
    const report = reportOf(error, compat, workingDirectory);
    observation.handlerSettled({ ok: false, at, error, errorType: report.errorType });
    if (!isLogged) observation.run(() => log.logInvokeError(error));
    await this.#post(open, 'error', now(), () => api.fail(invocation, report));
  }

  /**
   * Posts an answer. A refusal does not end the runtime: this invocation is over, and the next one can be served. A connection
   * that breaks here means that the platform gave the invocation up.
   */
  async #post(
    open: OpenInvocation,
    what: 'success' | 'error',
    serializedAt: number,
    send: () => Promise<Receipt>,
  ): Promise<void> {
    const { log } = this.#options;
    const { invocation, observation } = open;
    // A crash that comes from now on finds this invocation answered; a second answer would be refused.
    if (!this.#unanswered.delete(open)) return;
    let receipt: Receipt | undefined;
    try {
      receipt = await send();
    } catch (error) {
      log.error(`Failed to post handler ${what} response. ${(error as Error).message}`);
    }
    observation.answered({ at: now(), bodyBytes: receipt?.bodyBytes ?? 0, status: receipt?.status, serializedAt });
    if (receipt === undefined || receipt.status < 300) return;
    const { status, text } = receipt;
    if (status === 410) log.error(errorText('InvocationGone', { requestId: invocation.requestId }));
    // Developer Guide: "non-recoverable state, the runtime should exit promptly".
    else if (status >= 500) throw runtimeError('ApiStatus', { request: `POST ${what}`, status, body: text });
    else log.error(`Failed to post handler ${what} response. Http response code: ${status}. ${text}`);
  }
}

/** What goes to the Runtime API for a thrown value. Never throws. */
export function reportOf(error: unknown, compat: HandlerCompat, workingDirectory: string): ErrorReport {
  return { ...errorBody(error, { compat }), xrayCause: xrayErrorCause(error, workingDirectory) };
}

/**
 * JSON text of a result; `undefined` is `null`.
 * @throws Runtime.JSONStringifyError, TypeError
 */
function serialize(result: unknown, compat: HandlerCompat): string {
  let json: string | undefined;
  try {
    json = stringify(result === undefined ? null : result);
  } catch {
    const error = runtimeError('JSONStringifyError', {});
    if (compat === 'node22') error.name = 'Error';
    throw error;
  }
  if (json === undefined) throw runtimeError('ResponseWithoutJson', {});
  return json;
}
