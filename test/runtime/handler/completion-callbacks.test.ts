// Handlers that finish by callback or by `context.succeed`, `fail` and `done`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Callback, CompletingContext } from '../../../runtime/handler/completion.ts';
import { settle } from '../../support/conditions.ts';
import {
  failure,
  finishes,
  finishesWhenIdle,
  nameOf,
  type Outcome,
  start,
  type UserHandler,
  withCallbacks,
} from './handler-run.ts';

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

  test(`P47 ${nameOf(compat)}: the flag works through what user code wraps the context in, and not through a copy`, async () => {
    const wraps: ((context: CompletingContext) => CompletingContext)[] = [
      (context) => Object.create(context) as CompletingContext,
      (context) => Object.create(Object.create(context) as object) as CompletingContext,
      (context) => new Proxy(context, {}),
    ];
    for (const wrap of wraps) {
      const handler: UserHandler = (_event, context, callback) => {
        const wrapped = wrap(context);
        wrapped.callbackWaitsForEmptyEventLoop = false;
        assert.equal(context.callbackWaitsForEmptyEventLoop, false);
        assert.equal(wrapped.callbackWaitsForEmptyEventLoop, false);
        callback(null, 'x');
      };
      await finishes(handler, { result: 'x' }, compat);
    }
    const detached: UserHandler = (_event, context, callback) => {
      const { get, set } = Object.getOwnPropertyDescriptor(context, 'callbackWaitsForEmptyEventLoop')!;
      set!.call(undefined, false);
      assert.equal(get!.call(undefined), false);
      callback(null, 'x');
    };
    await finishes(detached, { result: 'x' }, compat);
    const copies: UserHandler = (_event, context, callback) => {
      const copy = { ...context };
      assert.equal(copy.callbackWaitsForEmptyEventLoop, true);
      copy.callbackWaitsForEmptyEventLoop = false;
      callback(null, 'x');
    };
    await finishesWhenIdle(copies, { result: 'x' }, compat);
  });

  test(`P47 ${nameOf(compat)}: every invocation has a flag of its own behind the same accessor, the context's first property`, async () => {
    const contexts: CompletingContext[] = [];
    const handler: UserHandler = (_event, context, callback) => {
      contexts.push(context);
      context.callbackWaitsForEmptyEventLoop = contexts.length > 1;
      callback(null, 'x');
    };
    await finishes(handler, { result: 'x' }, compat);
    await finishesWhenIdle(handler, { result: 'x' }, compat);
    assert.deepEqual(
      contexts.map(({ callbackWaitsForEmptyEventLoop }) => callbackWaitsForEmptyEventLoop),
      [false, true],
    );
    const accessors = contexts.map((context) =>
      Object.getOwnPropertyDescriptor(context, 'callbackWaitsForEmptyEventLoop'),
    );
    assert.equal(accessors[0]?.get, accessors[1]?.get);
    assert.equal(Object.keys(contexts[0]!)[0], 'callbackWaitsForEmptyEventLoop');
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

test('a result that comes after an empty loop had ended the invocation with null is told of, once', async () => {
  for (const finish of [
    (context: CompletingContext) => context.succeed('late'),
    (context: CompletingContext) => context.fail(failure),
    (_context: CompletingContext, callback: Callback) => callback(null, 'late'),
  ]) {
    let lateResults = 0;
    let late: () => void = assert.fail;
    const { outcome, loop } = start(
      (_event, context, callback) => {
        late = () => finish(context, callback);
      },
      undefined,
      { onLateResult: () => lateResults++ },
    );
    assert.equal(await outcome(), undefined);
    loop.runDry();
    assert.deepEqual(await outcome(), { result: null });
    assert.equal(lateResults, 0);
    late();
    late();
    assert.equal(lateResults, 1);
  }
});

test('a result that comes in time, and one that is merely the second, are not told of', async () => {
  const { outcome } = start(
    (_event, context, callback) => {
      context.succeed('first');
      callback(null, 'second');
    },
    undefined,
    { onLateResult: () => assert.fail('nothing was lost to an empty loop') },
  );
  assert.deepEqual(await outcome(), { result: 'first' });
});

test('the use of context.succeed, fail and done is told of; a callback is not', async () => {
  for (const [uses, expected] of [
    [(context: CompletingContext) => context.succeed(1), 1],
    [(context: CompletingContext) => context.fail(1), 1],
    [(context: CompletingContext) => context.done(null, 1), 1],
    [(_context: CompletingContext, callback: Callback) => callback(failure), 0],
  ] as const) {
    let calls = 0;
    const { outcome } = start((_event, context, callback) => uses(context, callback), undefined, {
      onContextMethod: () => calls++,
    });
    assert.ok((await outcome()) !== undefined);
    assert.equal(calls, expected);
  }
});

test('other invocations on the same event loop: nothing waits for it to be empty', async () => {
  const shared = { sharesEventLoop: true };
  const called = start((_event, _context, callback) => void callback(null, 'x'), undefined, shared);
  assert.deepEqual(await called.outcome(), { result: 'x' });
  const silent = start(() => undefined, undefined, shared);
  assert.deepEqual(await silent.outcome(), { result: undefined });
});
