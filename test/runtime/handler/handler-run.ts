// A handler called under an event loop that runs dry when the test says so, and what it then has to come to.

import assert from 'node:assert/strict';
import type { WhenIdle } from '../../../runtime/event-loop.ts';
import {
  type Callback,
  type CompletingContext,
  callHandler,
  type HandlerCall,
} from '../../../runtime/handler/completion.ts';
import { createContext, type LambdaContext } from '../../../runtime/handler/context.ts';
import type { HandlerFunction } from '../../../runtime/handler/module-loading.ts';
import type { HandlerCompat } from '../../../runtime/handler-compat.ts';
import { settle } from '../../support/conditions.ts';

/** An event loop that runs dry when the test says so. */
class FakeEventLoop {
  readonly waiting = new Set<() => void>();

  readonly whenIdle: WhenIdle = (callback) => {
    this.waiting.add(callback);
    return () => void this.waiting.delete(callback);
  };

  runDry(): void {
    const callbacks = [...this.waiting];
    this.waiting.clear();
    for (const callback of callbacks) callback();
  }
}

function lambdaContext(): LambdaContext {
  return createContext(
    {
      requestId: 'r',
      invokedFunctionArn: 'arn',
      deadlineEpochMs: 0,
      traceHeader: undefined,
      tenantId: undefined,
      clientContextJson: undefined,
      cognitoIdentityJson: undefined,
      invocationId: undefined,
      receivedAt: 0,
      eventBytes: 0,
    },
    {
      functionName: 'f',
      functionVersion: '1',
      memoryLimitInMB: '128',
      logGroupName: undefined,
      logStreamName: undefined,
    },
    undefined,
  );
}

/** What users write: the runtime knows nothing of its arguments. */
export type UserHandler = (event: unknown, context: CompletingContext, callback: Callback) => unknown;

export type Outcome = { readonly result: unknown } | { readonly error: unknown };
export type Running = {
  /** undefined as long as the handler has not finished. */
  readonly outcome: () => Promise<Outcome | undefined>;
  readonly loop: FakeEventLoop;
};

export function start(
  handler: UserHandler,
  compat?: HandlerCompat,
  watching: Pick<HandlerCall, 'sharesEventLoop' | 'onContextMethod' | 'onLateResult'> = {},
): Running {
  const loop = new FakeEventLoop();
  let outcome: Outcome | undefined;
  callHandler({
    handler: handler as HandlerFunction,
    event: { key: 'value' },
    context: lambdaContext(),
    compat,
    whenIdle: loop.whenIdle,
    describeUnfinished: () => '(2 Timeout)',
    ...watching,
  }).then(
    (result) => {
      outcome = { result };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  return {
    loop,
    async outcome() {
      await settle();
      if (outcome !== undefined) assert.equal(loop.waiting.size, 0, 'whoever has finished waits for nothing');
      return outcome;
    },
  };
}

/** It finishes by itself, without the event loop running dry. */
export async function finishes(handler: UserHandler, expected: Outcome, compat?: HandlerCompat): Promise<void> {
  assert.deepEqual(await start(handler, compat).outcome(), expected);
}

/** It finishes when the event loop runs dry, and not before. */
export async function finishesWhenIdle(handler: UserHandler, expected: Outcome, compat?: HandlerCompat): Promise<void> {
  const { outcome, loop } = start(handler, compat);
  assert.equal(await outcome(), undefined);
  loop.runDry();
  assert.deepEqual(await outcome(), expected);
}

export const neverFinished =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes (2 Timeout)';

export async function neverFinishes(handler: UserHandler, compat?: HandlerCompat): Promise<void> {
  const { outcome, loop } = start(handler, compat);
  assert.equal(await outcome(), undefined);
  loop.runDry();
  const found = (await outcome()) as { error: Error };
  assert.deepEqual([found.error.name, found.error.message], ['Runtime.NodeJsExit', neverFinished]);
}

export const everyCompat: readonly HandlerCompat[] = [undefined, 'node22', 'node24'];
export const withCallbacks: readonly HandlerCompat[] = [undefined, 'node22'];
export const nameOf = (compat: HandlerCompat): string => compat ?? 'superset';
export const failure = new RangeError('too far');
