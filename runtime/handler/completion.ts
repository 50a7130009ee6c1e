// Turns every way a handler ever had to finish into one promise: a returned value, a promise, a callback,
// `context.succeed|fail|done`, or an event loop that has nothing left to do.

import { types } from 'node:util';
import { runtimeError } from '../errors.ts';
import type { WhenIdle } from '../event-loop.ts';
import type { HandlerCompat } from '../handler-compat.ts';
import type { LambdaContext } from './context.ts';
import { type IdleSwitch, withIdleSwitch } from './idle-switch.ts';
import type { HandlerFunction } from './module-loading.ts';

export type Callback = (error?: unknown, result?: unknown) => void;

export type CompletingContext = LambdaContext & {
  callbackWaitsForEmptyEventLoop: boolean;
  succeed(result?: unknown): void;
  fail(error?: unknown): void;
  done(error?: unknown, result?: unknown): void;
};

export type HandlerCall = {
  readonly handler: HandlerFunction;
  readonly event: unknown;
  readonly context: LambdaContext;
  readonly compat: HandlerCompat;
  readonly whenIdle: WhenIdle;
  /** What still runs when a handler is found never to finish: names for the error message. */
  describeUnfinished(): string;
  /** Other invocations may come at any time: the event loop never runs dry, and nothing may wait for that. */
  readonly sharesEventLoop?: boolean;
  /** The handler finishes with `context.succeed`, `fail` or `done`, which the managed Node 24 runtime does not have. */
  onContextMethod?(): void;
  /** A callback came after an empty event loop had ended the invocation with `null`: what it brings is lost. */
  onLateResult?(): void;
};

/** Calls the handler and resolves with its result, or rejects with what it failed with; the first way to finish wins. */
export function callHandler(call: HandlerCall): Promise<unknown> {
  return call.compat === 'node24' ? callAsFamily4(call) : new Promise((...ends) => complete(call, ...ends));
}

async function callAsFamily4({ handler, event, context, whenIdle, describeUnfinished }: HandlerCall): Promise<unknown> {
  const returned = handler(event, context);
  if (!isThenable(returned)) return returned;
  return await new Promise((resolve, reject) => {
    const forget = whenIdle(() => reject(runtimeError('NodeJsExit', { unfinished: describeUnfinished() })));
    void Promise.resolve(returned).then(resolve, reject).then(forget);
  });
}

function complete(call: HandlerCall, resolve: (result: unknown) => void, reject: (error: unknown) => void): void {
  const { handler, event, compat } = call;
  let forgetIdle = (): void => {};
  let isSettled = false;
  let endedByIdle = false;
  const settle = (end: (value: unknown) => void, value: unknown): void => {
    if (isSettled) return;
    isSettled = true;
    forgetIdle();
    end(value);
  };
  const onIdle = (callback: () => void): void => {
    forgetIdle();
    forgetIdle = call.whenIdle(callback);
  };

  const answerNull = (): void => {
    endedByIdle = true;
    settle(resolve, null);
  };

  let calledBack = false;
  const reportLate = (): void => {
    if (!endedByIdle) return;
    endedByIdle = false;
    call.onLateResult?.();
  };
  const callback: Callback = (error, result) => {
    reportLate();
    // A result that waits for the event loop is still the first way to finish: what comes later is ignored.
    if (isSettled || calledBack) return;
    if (error !== undefined && error !== null) {
      settle(reject, error);
    } else if (!idle.isAwaited || call.sharesEventLoop) {
      settle(resolve, result);
    } else {
      calledBack = true;
      onIdle(() => settle(resolve, result));
    }
  };
  const finish = (end: (value: unknown) => void, value: unknown): void => {
    if (!calledBack) settle(end, value);
  };
  const done = (error: unknown, result: unknown): void => {
    call.onContextMethod?.();
    reportLate();
    if (error === undefined || error === null) finish(resolve, result);
    else finish(reject, error);
  };
  const idle: IdleSwitch = { isAwaited: true };
  const ends: Pick<CompletingContext, 'succeed' | 'fail' | 'done'> = {
    succeed: (result) => done(null, result),
    fail: (error) => done(error ?? 'handled', undefined),
    done,
  };
  const context: CompletingContext = Object.assign(withIdleSwitch(idle), ends, call.context);

  let returned: unknown;
  try {
    returned = handler(event, context, callback);
  } catch (error) {
    finish(reject, error);
    return;
  }
  if (isSettled || calledBack) {
    // A promise returned besides is the user's; its rejection must not end the process.
    if (isThenable(returned)) returned.then(undefined, () => {});
    return;
  }
  if (isThenable(returned)) {
    onIdle(() => {
      if (compat === 'node22' && !types.isAsyncFunction(handler)) answerNull();
      else settle(reject, runtimeError('NodeJsExit', { unfinished: call.describeUnfinished() }));
    });
    // Not by the thenable's own `then`, which may call back at once, twice, or throw.
    Promise.resolve(returned).then(
      (result) => finish(resolve, result),
      (error) => finish(reject, compat === 'node22' ? (error ?? 'handled') : error),
    );
    return;
  }
  const takesCallback = handler.length >= 3;
  const isResult = compat !== 'node22' && !takesCallback && returned !== undefined && !isHandle(returned);
  if (isResult) settle(resolve, returned);
  else if (call.sharesEventLoop && !takesCallback) settle(resolve, undefined);
  else onIdle(answerNull);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/**
 * Timers, sockets, requests, emitters: what an arrow function hands back by accident, as in
 * `(event, context) => setTimeout(() => context.succeed(1), 10)`. None of them is a response.
 */
function isHandle(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { ref, unref, on, emit } = value as Record<string, unknown>;
  if (typeof ref === 'function' && typeof unref === 'function') return true;
  if (typeof on === 'function' && typeof emit === 'function') return true;
  // setImmediate's object has ref and unref as well; kept by name for the ones from fake timers.
  return value.constructor?.name === 'Immediate' || value.constructor?.name === 'Timeout';
}
