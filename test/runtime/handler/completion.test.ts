import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type { WhenIdle } from '../../../runtime/event-loop.ts';
import { type Callback, type CompletingContext, callHandler } from '../../../runtime/handler/completion.ts';
import { createContext, type LambdaContext } from '../../../runtime/handler/context.ts';
import type { HandlerFunction } from '../../../runtime/handler/module-loading.ts';
import type { HandlerCompat } from '../../../runtime/handler-compat.ts';
import { runModule, sourceUrl } from '../../support/child-process.ts';
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
type UserHandler = (event: unknown, context: CompletingContext, callback: Callback) => unknown;

type Outcome = { readonly result: unknown } | { readonly error: unknown };
type Running = {
  /** undefined as long as the handler has not finished. */
  readonly outcome: () => Promise<Outcome | undefined>;
  readonly loop: FakeEventLoop;
};

function start(handler: UserHandler, compat?: HandlerCompat): Running {
  const loop = new FakeEventLoop();
  let outcome: Outcome | undefined;
  callHandler({
    handler: handler as HandlerFunction,
    event: { key: 'value' },
    context: lambdaContext(),
    compat,
    whenIdle: loop.whenIdle,
    describeUnfinished: () => '(2 Timeout)',
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
async function finishes(handler: UserHandler, expected: Outcome, compat?: HandlerCompat): Promise<void> {
  assert.deepEqual(await start(handler, compat).outcome(), expected);
}

/** It finishes when the event loop runs dry, and not before. */
async function finishesWhenIdle(handler: UserHandler, expected: Outcome, compat?: HandlerCompat): Promise<void> {
  const { outcome, loop } = start(handler, compat);
  assert.equal(await outcome(), undefined);
  loop.runDry();
  assert.deepEqual(await outcome(), expected);
}

const neverFinished =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes (2 Timeout)';

async function neverFinishes(handler: UserHandler, compat?: HandlerCompat): Promise<void> {
  const { outcome, loop } = start(handler, compat);
  assert.equal(await outcome(), undefined);
  loop.runDry();
  const found = (await outcome()) as { error: Error };
  assert.deepEqual([found.error.name, found.error.message], ['Runtime.NodeJsExit', neverFinished]);
}

const everyCompat: readonly HandlerCompat[] = [undefined, 'node22', 'node24'];
const withCallbacks: readonly HandlerCompat[] = [undefined, 'node22'];
const nameOf = (compat: HandlerCompat): string => compat ?? 'superset';
const failure = new RangeError('too far');

for (const compat of everyCompat) {
  test(`P39 ${nameOf(compat)}: promises and thenables are awaited`, async () => {
    await finishes(async () => 'async', { result: 'async' }, compat);
    await finishes(() => Promise.resolve('promise'), { result: 'promise' }, compat);
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then: (resolve: (value: string) => void): void => resolve('thenable'),
    };
    await finishes(() => thenable, { result: 'thenable' }, compat);
    await finishes(async () => undefined, { result: undefined }, compat);
    await finishes(async (_event, context) => Promise.resolve(typeof context), { result: 'object' }, compat);
  });

  test(`P39 ${nameOf(compat)}: a promise that takes its time holds nobody up`, async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { outcome } = start(() => promise, compat);
    assert.equal(await outcome(), undefined);
    resolve('late');
    assert.deepEqual(await outcome(), { result: 'late' });
  });

  test(`P41 ${nameOf(compat)}: what is thrown, or rejected, comes out as it is`, async () => {
    for (const value of [failure, 'text', undefined, null, 0]) {
      await finishes(
        () => {
          throw value;
        },
        { error: value },
        compat,
      );
      await finishes(() => Promise.reject(value), { error: value }, compat);
      await finishes(
        async (_event, _context) => {
          throw value;
        },
        { error: value },
        compat,
      );
    }
    const hostile = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is what is tested
      get then(): never {
        throw failure;
      },
    };
    await finishes(() => hostile, { error: failure }, compat);
    const throwing = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is what is tested
      then(): never {
        throw failure;
      },
    };
    await finishes(() => throwing, { error: failure }, compat);
  });

  test(`P51 policy 3 ${nameOf(compat)}: an async function that never settles fails when the loop is empty`, async () => {
    await neverFinishes(async () => new Promise(() => {}), compat);
    await neverFinishes(async (_event, _context) => new Promise(() => {}), compat);
  });

  test(`P29 ${nameOf(compat)}: the handler gets the event itself, and no object of the runtime's as \`this\``, async () => {
    const handler = function (this: unknown, event: unknown): unknown {
      return Promise.resolve([this, event]);
    };
    await finishes(handler, { result: [undefined, { key: 'value' }] }, compat);
  });
}

test('P51: a plain function whose promise never settles fails, except on node22, where it is null', async () => {
  const handler: UserHandler = () => new Promise(() => {});
  await neverFinishes(handler);
  await neverFinishes(handler, 'node24');
  await finishesWhenIdle(handler, { result: null }, 'node22');
});

test('P40 policy 1: what a handler with fewer than three parameters returns is its response', async () => {
  for (const result of ['text', 0, false, null, { a: 1 }, [1]]) {
    await finishes(() => result, { result });
    await finishes((_event) => result, { result });
    await finishes((_event, _context) => result, { result });
    await finishes((_event: unknown, _context: CompletingContext, _callback: Callback = () => {}) => result, {
      result,
    });
  }
  // A `then` that is no function makes no promise.
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
  const result = { then: 'nothing' };
  await finishes(() => result, { result });
});

test('P40 policy 1: a handler with three parameters answers by callback; what it returns is ignored', async () => {
  await finishesWhenIdle((_event, _context, _callback) => 'ignored', { result: null });
  await finishesWhenIdle(
    (_event, _context, callback) => {
      callback(null, 'called');
      return 'ignored';
    },
    { result: 'called' },
  );
});

test('P40 policy 1: undefined means: wait for the event loop, then null', async () => {
  await finishesWhenIdle(() => undefined, { result: null });
  await finishesWhenIdle((_event, _context) => {}, { result: null });
});

const handles: readonly (readonly [string, () => { value: unknown; dispose?: () => void }])[] = [
  [
    'a timeout',
    () => {
      const value = setTimeout(() => {}, 1e6);
      return { value, dispose: () => clearTimeout(value) };
    },
  ],
  [
    'an interval',
    () => {
      const value = setInterval(() => {}, 1e6);
      return { value, dispose: () => clearInterval(value) };
    },
  ],
  ['an immediate', () => ({ value: setImmediate(() => {}) })],
  ['a socket', () => ({ value: new Socket() })],
  ['an event emitter', () => ({ value: new EventEmitter() })],
];
for (const [what, make] of handles) {
  test(`policy 1: ${what}, handed back by accident, is no response: the handler may still answer`, async (t) => {
    const { value, dispose = () => {} } = make();
    t.after(dispose);
    await finishesWhenIdle(() => value, { result: null });
    let succeed: CompletingContext['succeed'] = assert.fail;
    const { outcome } = start((_event, context) => {
      succeed = context.succeed;
      return value;
    });
    assert.equal(await outcome(), undefined);
    succeed('answered');
    assert.deepEqual(await outcome(), { result: 'answered' });
  });
}

test('P40 node22: what is returned is ignored; the loop empties, then null', async () => {
  for (const result of ['text', 0, { a: 1 }, undefined]) {
    await finishesWhenIdle(() => result, { result: null }, 'node22');
    await finishesWhenIdle((_event, _context, _callback) => result, { result: null }, 'node22');
  }
});

test('P38 P40 node24: two arguments, no callbacks in the context, and what is returned is the response at once', async () => {
  const handler = function (): unknown {
    // biome-ignore lint/complexity/noArguments: their number is what is tested
    return arguments.length;
  };
  await finishes(handler, { result: 2 }, 'node24');
  await finishes((_event, context) => Object.keys(context).includes('succeed'), { result: false }, 'node24');
  await finishes(() => undefined, { result: undefined }, 'node24');
  const timer = setImmediate(() => {});
  await finishes(() => timer, { result: timer }, 'node24');
});

test('P38: three arguments where there are callbacks', async () => {
  for (const compat of withCallbacks) {
    const handler = function (): unknown {
      // biome-ignore lint/complexity/noArguments: their number is what is tested
      return Promise.resolve(arguments.length);
    };
    await finishes(handler, { result: 3 }, compat);
  }
});

for (const compat of withCallbacks) {
  test(`P47 ${nameOf(compat)}: callback(error) fails at once, whatever the error, if it is one`, async () => {
    for (const error of [failure, 'text', 0, false, '']) {
      await finishes((_event, _context, callback) => void callback(error), { error }, compat);
    }
    await finishes((_event, _context, callback) => void callback(failure, 'result'), { error: failure }, compat);
  });

  test(`P47 ${nameOf(compat)}: callback(null, result) waits for the event loop`, async () => {
    await finishesWhenIdle((_event, _context, callback) => void callback(null, 'x'), { result: 'x' }, compat);
    await finishesWhenIdle((_event, _context, callback) => void callback(undefined, 'x'), { result: 'x' }, compat);
    await finishesWhenIdle((_event, _context, callback) => void callback(), { result: undefined }, compat);
  });

  test(`P47 ${nameOf(compat)}: with callbackWaitsForEmptyEventLoop = false it does not; the flag is read at the call`, async () => {
    const before: UserHandler = (_event, context, callback) => {
      assert.equal(context.callbackWaitsForEmptyEventLoop, true);
      context.callbackWaitsForEmptyEventLoop = false;
      assert.equal(context.callbackWaitsForEmptyEventLoop, false);
      callback(null, 'x');
    };
    await finishes(before, { result: 'x' }, compat);
    const after: UserHandler = (_event, context, callback) => {
      callback(null, 'x');
      context.callbackWaitsForEmptyEventLoop = false;
    };
    await finishesWhenIdle(after, { result: 'x' }, compat);
  });

  test(`P47 ${nameOf(compat)}: a callback may come later, from other work`, async () => {
    let callback: Callback = assert.fail;
    const { outcome, loop } = start((_event, context, given) => {
      callback = given;
      context.callbackWaitsForEmptyEventLoop = false;
    }, compat);
    assert.equal(await outcome(), undefined);
    assert.equal(loop.waiting.size, 1);
    callback(null, 'later');
    assert.deepEqual(await outcome(), { result: 'later' });
  });

  test(`P48 ${nameOf(compat)}: succeed, fail and done finish at once`, async () => {
    await finishes((_event, context, _callback) => context.succeed('x'), { result: 'x' }, compat);
    await finishes((_event, context, _callback) => context.succeed(), { result: undefined }, compat);
    await finishes((_event, context, _callback) => context.fail(failure), { error: failure }, compat);
    await finishes((_event, context, _callback) => context.done(null, 'x'), { result: 'x' }, compat);
    await finishes((_event, context, _callback) => context.done(undefined, 'x'), { result: 'x' }, compat);
    await finishes((_event, context, _callback) => context.done(), { result: undefined }, compat);
    await finishes((_event, context, _callback) => context.done(failure, 'x'), { error: failure }, compat);
    await finishes((_event, context, _callback) => context.done(0), { error: 0 }, compat);
    for (const nothing of [null, undefined]) {
      await finishes((_event, context, _callback) => context.fail(nothing), { error: 'handled' }, compat);
    }
  });

  test(`P48 ${nameOf(compat)}: they need no \`this\`, and two parameters are enough`, async () => {
    const detached: UserHandler = (_event, { succeed }) => void setImmediate(succeed, 'x');
    await finishes(detached, { result: 'x' }, compat);
  });

  const ways: Record<
    string,
    { finish(context: CompletingContext, callback: Callback, mark: string): void; outcome(mark: string): Outcome }
  > = {
    callback: { finish: (_context, callback, mark) => callback(null, mark), outcome: (result) => ({ result }) },
    'failing callback': { finish: (_context, callback, mark) => callback(mark), outcome: (error) => ({ error }) },
    succeed: { finish: (context, _callback, mark) => context.succeed(mark), outcome: (result) => ({ result }) },
    fail: { finish: (context, _callback, mark) => context.fail(mark), outcome: (error) => ({ error }) },
    done: { finish: (context, _callback, mark) => context.done(null, mark), outcome: (result) => ({ result }) },
  };
  test(`P49 ${nameOf(compat)}: the first way to finish wins, each against each`, async () => {
    for (const [first, { finish, outcome }] of Object.entries(ways)) {
      for (const [second, late] of Object.entries(ways)) {
        const running = start((_event, context, callback) => {
          finish(context, callback, 'first');
          late.finish(context, callback, 'second');
        }, compat);
        await settle();
        running.loop.runDry();
        assert.deepEqual(await running.outcome(), outcome('first'), `${first}, then ${second}`);
      }
    }
  });

  test(`P49 ${nameOf(compat)}: what comes after the end is ignored`, async () => {
    let late: () => void = assert.fail;
    const { outcome, loop } = start((_event, context, callback) => {
      late = () => {
        callback(failure);
        callback(null, 'again');
        context.succeed('again');
        context.fail(failure);
      };
    }, compat);
    assert.equal(await outcome(), undefined);
    loop.runDry();
    assert.deepEqual(await outcome(), { result: null });
    late();
    loop.runDry();
    assert.deepEqual(await outcome(), { result: null });
  });

  test(`P49 ${nameOf(compat)}: an error thrown after the handler has finished changes nothing`, async () => {
    await finishes(
      (_event, context, _callback) => {
        context.succeed('x');
        throw failure;
      },
      { result: 'x' },
      compat,
    );
    await finishesWhenIdle(
      (_event, _context, callback) => {
        callback(null, 'x');
        throw failure;
      },
      { result: 'x' },
      compat,
    );
  });

  test(`P50 ${nameOf(compat)}: an async handler that takes a callback: whichever comes first`, async (t) => {
    const rejections: unknown[] = [];
    const listener = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', listener);
    t.after(() => process.off('unhandledRejection', listener));

    await finishesWhenIdle(
      async (_event, _context, callback) => {
        callback(null, 'called');
        return 'returned';
      },
      { result: 'called' },
      compat,
    );
    await finishes(
      async (_event, context, _callback) => {
        context.succeed('called');
        throw failure;
      },
      { result: 'called' },
      compat,
    );
    let callback: Callback = assert.fail;
    const { outcome } = start(async (_event, _context, given) => {
      callback = given;
      return 'returned';
    }, compat);
    assert.deepEqual(await outcome(), { result: 'returned' });
    callback(failure);
    assert.deepEqual(await outcome(), { result: 'returned' });
    assert.deepEqual(rejections, [], 'the promise of a handler that has finished is nobody’s failure');
  });

  test(`P51 ${nameOf(compat)}: a callback keeps a promise that never settles from failing`, async () => {
    await finishesWhenIdle(
      async (_event, _context, callback) => {
        callback(null, 'called');
        await new Promise(() => {});
      },
      { result: 'called' },
      compat,
    );
  });
}

test('policy 3: the real event loop: how handlers end in a process of their own', async () => {
  const { stdout, stderr, code } = await runModule(`
    import { callHandler } from ${JSON.stringify(sourceUrl('runtime/handler/completion.ts'))};
    import { watchEventLoop } from ${JSON.stringify(sourceUrl('runtime/event-loop.ts'))};
    const whenIdle = watchEventLoop(process);
    const handlers = {
      nothing() {},
      timer: (event, context) => setTimeout(() => context.succeed('from the timer'), 5),
      callback(event, context, callback) { setTimeout(() => console.log('work after the callback'), 5); callback(null, 'called'); },
      pending: () => new Promise(() => {}),
      unreferenced: () => new Promise((resolve) => setTimeout(resolve, 1e6).unref()),
      later: async () => { await new Promise((resolve) => setTimeout(resolve, 5)); return 'awaited'; },
    };
    for (const [name, handler] of Object.entries(handlers)) {
      // The runtime's own requests wake the event loop between invocations.
      await new Promise(setImmediate);
      await callHandler({ handler, event: {}, context: {}, compat: undefined, whenIdle, describeUnfinished: () => '' }).then(
        (result) => console.log(name, JSON.stringify(result)),
        (error) => console.log(name, error.name, error.message.length),
      );
    }
  `);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'nothing null',
    'timer "from the timer"',
    'work after the callback',
    'callback "called"',
    `pending Runtime.NodeJsExit ${neverFinished.length - ' (2 Timeout)'.length}`,
    `unreferenced Runtime.NodeJsExit ${neverFinished.length - ' (2 Timeout)'.length}`,
    'later "awaited"',
  ]);
});
