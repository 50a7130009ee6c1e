// The runtime: polls for an invocation, has the handler called, posts what came of it, and polls again. One invocation can be
// followed here from its bytes to its bytes; how a handler finishes, and what an error looks like, are other files' business.

import type { Delivery, Receipt, RuntimeApi } from './api/runtime-api.ts';
import { errorBody } from './error-body.ts';
import { errorText, runtimeError } from './errors.ts';
import type { WhenIdle } from './event-loop.ts';
import type { Extension } from './extension.ts';
import { Handful } from './handful.ts';
import { callHandler } from './handler/completion.ts';
import { createContext, type FunctionIdentity } from './handler/context.ts';
import type { HandlerFunction } from './handler/module-loading.ts';
import type { HandlerCompat } from './handler-compat.ts';
import { type Invocation, type InvocationObservation, type InvocationObserver, now } from './lifecycle.ts';
import { serializeResult } from './result-json.ts';
import type { StreamedAnswer, StreamedAnswerOptions } from './streamed-answer.ts';
import type { StreamingMark } from './streaming-mark.ts';
import { parseJson } from './untouched.ts';
import type { UserScope } from './user-scope.ts';

/** The runtime's own lines in the function's log. */
export interface LoopLog {
  logInvokeError(error: unknown): void;
  error(text: string): void;
  warn(text: string): void;
}

export type LoopOptions = {
  readonly handler: HandlerFunction;
  readonly streaming: StreamingMark;
  /** Several invocations run at once, on one event loop. */
  readonly isConcurrent: boolean;
  /** From a bundle of its own: few functions stream. */
  openStream(options: StreamedAnswerOptions): StreamedAnswer;
  readonly observer: InvocationObserver;
  readonly extension: Extension;
  readonly scope: UserScope;
  readonly compat: HandlerCompat;
  readonly whenIdle: WhenIdle;
  readonly log: LoopLog;
  readonly workingDirectory: string;
  /** Value of the X-Ray error cause header, ASCII, or empty; from a bundle of its own: most invocations succeed. Never throws. */
  xrayErrorCause(error: unknown, workingDirectory: string): string;
  /** Read anew for every invocation: user code may change the environment. */
  identity(): FunctionIdentity;
  describeUnfinished(): string;
  /** A handler has finished by `context.succeed`, `fail` or `done`. */
  onContextMethod(): void;
};

/** An invocation between its delivery and its answer. */
type OpenInvocation = {
  /** The connection that it came by, and that its answer goes by. */
  readonly api: RuntimeApi;
  readonly invocation: Invocation;
  readonly event: unknown;
  /** Why the event is none, when it was not JSON: that is this invocation's error, not the runtime's. */
  readonly eventError: unknown;
  readonly observation: InvocationObservation;
  /** Set while the answer is being streamed: a failure then goes into its trailers. */
  streamed?: StreamedAnswer;
};

/** Never settles: the end of the process is all that is waited for. */
const pending = new Promise<never>(() => {});

export class Loop {
  readonly #options: LoopOptions;
  /** Open invocations that nothing has been posted for. */
  readonly #unanswered = new Handful<OpenInvocation>();
  /** Answers on their way. */
  readonly #posting = new Handful<Promise<Receipt>>();
  /** Why the process is about to end: nothing is polled any more, and what is delivered all the same is not begun. */
  #end: { readonly error: unknown } | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /**
   * Serves invocations one after the other, for ever; `polled` is the first.
   * @throws Runtime.PlatformError when the Runtime API cannot be used any more; the process must end
   */
  async serve(api: RuntimeApi, polled = api.next()): Promise<never> {
    const { observer, extension } = this.#options;
    for (let delivery = polled; ; delivery = api.next()) {
      const { requestId, deadlineEpochMs } = await this.serveOne(api, await delivery);
      extension.answered(requestId);
      // With an extension the platform waits for that one; without, it freezes the process as soon as `next` is called.
      if (!extension.isRegistered) await observer.flush('invocation', deadlineEpochMs);
      if (this.#end !== undefined) await pending;
    }
  }

  /** Resolves when the invocation is answered; never, when the process is about to end. Rejects like `serve`. */
  async serveOne(api: RuntimeApi, delivery: Delivery): Promise<Invocation> {
    const open = this.#open(api, delivery);
    // In a job of its own: an async context that the handler enters and never leaves (`AsyncLocalStorage.enterWith`) ends with it.
    await Promise.resolve(open).then((open) => this.#process(open));
    return this.#end === undefined ? open.invocation : pending;
  }

  #process(open: OpenInvocation): Promise<void> {
    // Cut off in the middle it would have had its effects, and the caller no answer.
    if (this.#end !== undefined) return this.#fail(open, this.#end.error, { isLogged: true });
    const { scope, streaming } = this.#options;
    const { observation } = open;
    const { traceContext } = observation;
    const invocation = traceContext === undefined ? open.invocation : { ...open.invocation, traceContext };
    return scope.run(invocation, observation.traceHeader, () =>
      streaming.isStreaming ? this.#stream(open) : this.#answer(open),
    );
  }

  /** The process is about to end because of `error`: fails what is unanswered, lets answers go out. Never rejects. */
  async crash(error: unknown): Promise<void> {
    this.#end ??= { error };
    const failures = [...this.#unanswered].map((open) =>
      open.streamed === undefined
        ? this.#fail(open, error, { isLogged: true })
        : this.#failStream(open, open.streamed, error, { isLogged: true }),
    );
    await Promise.allSettled([...failures, ...this.#posting]);
  }

  #open(api: RuntimeApi, { invocation, body }: Delivery): OpenInvocation {
    let event: unknown;
    let eventError: unknown;
    const readEvent = (): unknown => parseJson(body.toString('utf8'));
    try {
      event = readEvent();
    } catch (error) {
      eventError = error;
    }
    const isEvent = eventError === undefined;
    const observation = this.#options.observer.begin(invocation, event, isEvent ? readEvent : () => undefined);
    const open = { api, invocation, event, eventError, observation };
    this.#unanswered.add(open);
    return open;
  }

  async #answer(open: OpenInvocation): Promise<void> {
    const { api, invocation, event, eventError, observation } = open;
    const { handler, compat, log, whenIdle, describeUnfinished, onContextMethod } = this.#options;
    let json: string;
    try {
      if (eventError !== undefined) throw eventError;
      const context = createContext(invocation, this.#options.identity(), observation.traceHeader);
      const result = await observation.run(() =>
        callHandler({
          handler,
          event,
          context,
          compat,
          whenIdle,
          describeUnfinished,
          sharesEventLoop: this.#options.isConcurrent,
          onContextMethod,
          onLateResult: () => log.error(errorText('AlreadyDone', {})),
        }),
      );
      const settledAt = now();
      json = serializeResult(result, compat);
      observation.handlerSettled({ ok: true, at: settledAt, result, isStreamed: false });
      const isHeld = observation.beforeAnswer?.();
      if (isHeld !== undefined) await isHeld;
    } catch (error) {
      return this.#fail(open, error, { isLogged: false });
    }
    await this.#post(open, 'success', now(), () => api.respond(invocation, json));
  }

  async #stream(open: OpenInvocation): Promise<void> {
    const { api, invocation, event, eventError, observation } = open;
    const { handler, streaming, compat, log, whenIdle, describeUnfinished } = this.#options;
    const streamed = this.#options.openStream({
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
      return this.#failStream(open, streamed, error, { isLogged: false });
    }
    this.#endStream(open, streamed);
  }

  /** Over when the POST is: a poll before its end would be refused. */
  async #failStream(
    open: OpenInvocation,
    streamed: StreamedAnswer,
    error: unknown,
    { isLogged }: { isLogged: boolean },
  ): Promise<void> {
    if (!this.#unanswered.has(open)) return;
    const { observation } = open;
    const { log, compat } = this.#options;
    const { errorType } = errorBody(error, { compat });
    observation.handlerSettled({ ok: false, at: now(), error, errorType });
    if (!isLogged) observation.run(() => log.logInvokeError(error));
    await streamed.fail(error);
    this.#endStream(open, streamed);
  }

  #endStream(open: OpenInvocation, { verdict, bodyBytes }: StreamedAnswer): void {
    if (!this.#unanswered.delete(open)) return;
    open.observation.answered({ at: now(), bodyBytes, status: verdict?.status, serializedAt: now() });
    if (verdict !== undefined) this.#heed(open, 'success', verdict);
  }

  async #fail(open: OpenInvocation, error: unknown, { isLogged }: { isLogged: boolean }): Promise<void> {
    const { api, invocation, observation } = open;
    const { log, compat, workingDirectory, xrayErrorCause } = this.#options;
    const at = now();
    const report = { ...errorBody(error, { compat }), xrayCause: xrayErrorCause(error, workingDirectory) };
    observation.handlerSettled({ ok: false, at, error, errorType: report.errorType });
    if (!isLogged) observation.run(() => log.logInvokeError(error));
    const isHeld = observation.beforeAnswer?.();
    if (isHeld !== undefined) await isHeld;
    await this.#post(open, 'error', now(), () => api.fail(invocation, report));
  }

  /** Posts an answer. A connection that breaks here means that the platform gave the invocation up. */
  async #post(
    open: OpenInvocation,
    what: 'success' | 'error',
    serializedAt: number,
    send: () => Promise<Receipt>,
  ): Promise<void> {
    const { log } = this.#options;
    const { observation } = open;
    // A crash that comes from now on finds this invocation answered; a second answer would be refused.
    if (!this.#unanswered.delete(open)) return;
    let receipt: Receipt | undefined;
    const posted = send();
    this.#posting.add(posted);
    try {
      receipt = await posted;
    } catch (error) {
      log.error(`Failed to post handler ${what} response. ${(error as Error).message}`);
    }
    this.#posting.delete(posted);
    observation.answered({ at: now(), bodyBytes: receipt?.bodyBytes ?? 0, status: receipt?.status, serializedAt });
    if (receipt !== undefined) this.#heed(open, what, receipt);
  }

  /** A refusal does not end the runtime, unless it says so: this invocation is over, and the next one can be served. */
  #heed(
    { invocation }: OpenInvocation,
    what: 'success' | 'error',
    { status, text }: Pick<Receipt, 'status' | 'text'>,
  ): void {
    const { log, isConcurrent } = this.#options;
    if (status < 300) return;
    if (status === 410) log.error(errorText('InvocationGone', { requestId: invocation.requestId }));
    // Developer Guide: "non-recoverable state, the runtime should exit promptly"; but not while others are being served.
    else if (status >= 500 && !isConcurrent)
      throw runtimeError('ApiStatus', { request: `POST ${what}`, status, body: text });
    else log.error(errorText('AnswerRefused', { what, status, body: text }));
  }
}
