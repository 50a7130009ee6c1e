// How what a handler returns becomes its response, in each compatibility.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type { Callback, CompletingContext } from '../../../runtime/handler/completion.ts';
import { runModule, sourceUrl } from '../../support/child-process.ts';
import {
  everyCompat,
  failure,
  finishes,
  finishesWhenIdle,
  nameOf,
  neverFinished,
  neverFinishes,
  start,
  type UserHandler,
  withCallbacks,
} from './handler-run.ts';

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
      // A rejection goes through family 3's `context.fail`, which has a word for nothing.
      const rejected = { error: compat === 'node22' ? (value ?? 'handled') : value };
      await finishes(() => Promise.reject(value), rejected, compat);
      await finishes(
        async (_event, _context) => {
          throw value;
        },
        rejected,
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
