import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { unobserved } from '../../runtime/lifecycle.ts';
import { Loop } from '../../runtime/loop.ts';
import { settle } from '../support/conditions.ts';
import { accepted, deliveryOf, type LoopStand, refused, standLoop } from './loop-stand.ts';

test('one invocation from its event to its answer, and the next', async () => {
  const { log, api, serve } = standLoop(
    async (event) => ({ got: event }),
    [deliveryOf('r1', '{"a":1}'), deliveryOf('r2', '"größer"')],
  );
  api.onPost = () => accepted(17);
  await serve();
  assert.deepEqual(log, [
    'next r1',
    'begin r1 {"a":1}',
    'settled {"got":{"a":1}}',
    'respond r1 {"got":{"a":1}}',
    'taken 202 17',
    'answered r1',
    'next r2',
    'begin r2 "größer"',
    'settled {"got":"größer"}',
    'respond r2 {"got":"größer"}',
    'taken 202 17',
    'answered r2',
    'end',
  ]);
});

test('without an extension everything is flushed before the next poll, within the deadline', async () => {
  const { log, serve } = standLoop(() => 1, [deliveryOf('r1', '{}', { deadlineEpochMs: 77 })], {
    isExtensionRegistered: false,
  });
  await serve();
  assert.deepEqual(log.slice(-4), ['taken 202 0', 'answered r1', 'flush invocation 77', 'end']);
});

test('an extension that is lost while the loop runs: from then on the loop flushes', async () => {
  let isRegistered = true;
  const extension = {
    get isRegistered() {
      return isRegistered;
    },
    refusal: undefined,
    poll() {},
    answered() {},
  };
  const { log, serve } = standLoop(
    () => {
      isRegistered = false;
      return 1;
    },
    [deliveryOf('r1')],
    { extension },
  );
  await serve();
  assert.deepEqual(log.slice(-2), ['flush invocation 1000', 'end']);
});

const TRACE = 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1';

test('_X_AMZN_TRACE_ID and context.xRayTraceId are what the observer says, and gone when there is none', async () => {
  const seen: unknown[] = [];
  const stand: LoopStand = standLoop(
    async (_event, { xRayTraceId }) => {
      seen.push([stand.environment._X_AMZN_TRACE_ID, '_X_AMZN_TRACE_ID' in stand.environment, xRayTraceId]);
    },
    [deliveryOf('r1', '{}', { traceHeader: TRACE }), deliveryOf('r2')],
  );
  await stand.serve();
  assert.deepEqual(seen, [
    [TRACE, true, TRACE],
    [undefined, false, undefined],
  ]);

  let replaced: string | undefined;
  const ours: LoopStand = standLoop(
    async () => {
      replaced = ours.environment._X_AMZN_TRACE_ID;
    },
    [deliveryOf('r1', '{}', { traceHeader: TRACE })],
    { traceHeader: 'Root=ours' },
  );
  await ours.serve();
  assert.equal(replaced, 'Root=ours');
});

for (const isStreaming of [false, true]) {
  test(`an async context that a handler enters and never leaves is not that of the next one, ${isStreaming ? 'streaming' : 'buffered'}`, async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const handler = async (_event: unknown, second: unknown): Promise<void> => {
      seen.push(storage.getStore());
      storage.enterWith('secret of one caller');
      if (isStreaming) (second as { end(): void }).end();
    };
    const { serve } = standLoop(handler as never, [deliveryOf('r1'), deliveryOf('r2'), deliveryOf('r3')], {
      streaming: { isStreaming, highWaterMarkBytes: undefined },
    });
    await serve();
    assert.deepEqual(seen, [undefined, undefined, undefined]);
  });
}

test('P60: the identity in the context is read anew for every invocation', async () => {
  let functionName = 'first';
  const seen: unknown[] = [];
  const { serve } = standLoop(
    async (_event, context) => {
      seen.push([context.functionName, context.awsRequestId]);
      functionName = 'second';
    },
    [deliveryOf('r1'), deliveryOf('r2')],
    {
      identity: () => ({
        functionName,
        functionVersion: undefined,
        memoryLimitInMB: undefined,
        logGroupName: undefined,
        logStreamName: undefined,
      }),
    },
  );
  await serve();
  assert.deepEqual(seen, [
    ['first', 'r1'],
    ['second', 'r2'],
  ]);
});

test('a handler that fails: logged, posted with type, body and X-Ray cause; the loop goes on', async () => {
  let calls = 0;
  const { log, api, serve } = standLoop(async () => {
    if (calls++ === 0) throw new RangeError('too far');
    return 'fine';
  }, [deliveryOf('r1'), deliveryOf('r2')]);
  await serve();
  assert.deepEqual(log.slice(0, 7), [
    'next r1',
    'begin r1 {}',
    'settled RangeError',
    'log RangeError: too far',
    'fail r1 RangeError',
    'taken 202 0',
    'answered r1',
  ]);
  assert.ok(log.includes('respond r2 "fine"'));
  const [report] = api.reports;
  const { errorType, errorMessage, trace } = JSON.parse(report?.body ?? '');
  assert.deepEqual([errorType, errorMessage, trace[0]], ['RangeError', 'too far', 'RangeError: too far']);
  assert.equal(JSON.parse(report?.xrayCause ?? '').working_directory, '/var/task');
});

for (const [what, body] of [
  ['is not JSON', '{oops'],
  ['is empty', ''],
  ['ends early', '{"a":'],
  ['has a byte order mark', '\ufeff{}'],
] as const) {
  test(`P37 policy 4: an event that ${what} is an error of its invocation; the handler is not called, the loop goes on`, async () => {
    const events: unknown[] = [];
    const { log, serve } = standLoop(
      async (event) => void events.push(event),
      [deliveryOf('r1', body), deliveryOf('r2')],
    );
    await serve();
    assert.deepEqual(events, [{}]);
    assert.ok(log.includes('begin r1 undefined'));
    assert.ok(log.includes('fail r1 SyntaxError'));
    assert.ok(log.includes('respond r2 null'));
  });
}

test('P57 policy 4: a client context that is not JSON is an error of its invocation', async () => {
  const { log, api, serve } = standLoop(
    () => assert.fail('the handler is not called'),
    [deliveryOf('r1', '{}', { clientContextJson: '{oops' }), deliveryOf('r2', '{}', { cognitoIdentityJson: 'x' })],
  );
  await serve();
  assert.ok(log.includes('fail r1 Error') && log.includes('fail r2 Error'));
  assert.match(api.reports[0]?.body ?? '', /"errorMessage":"Cannot parse ClientContext as json: /);
  assert.match(api.reports[1]?.body ?? '', /"errorMessage":"Cannot parse CognitoIdentity as json: /);
});

for (const [what, result, json] of [
  ['undefined', undefined, 'null'],
  ['null', null, 'null'],
  ['a text', 'größer', '"größer"'],
  ['NaN', Number.NaN, 'null'],
  ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ['toJSON', { toJSON: () => 'mine' }, '"mine"'],
  ['a Buffer', Buffer.from('a'), '{"type":"Buffer","data":[97]}'],
  ['a Map', new Map([[1, 2]]), '{}'],
  ['a lone surrogate', '\ud800', '"\\ud800"'],
] as const) {
  test(`P42 P45: a result that is ${what}`, async () => {
    const { log, serve } = standLoop(async () => result, [deliveryOf('r1')]);
    await serve();
    assert.ok(log.includes(`respond r1 ${json}`), `${log}`);
  });
}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;
for (const [what, result, compat, errorType, message] of [
  ['a function', () => 1, undefined, 'TypeError', 'Wrong arguments'],
  ['a symbol', Symbol('x'), undefined, 'TypeError', 'Wrong arguments'],
  ['toJSON giving undefined', { toJSON: () => undefined }, undefined, 'TypeError', 'Wrong arguments'],
  ['a BigInt', 1n, undefined, 'Runtime.JSONStringifyError', 'Unable to stringify response body'],
  ['a cycle', cycle, 'node24', 'Runtime.JSONStringifyError', 'Unable to stringify response body'],
  ['a cycle on node22', cycle, 'node22', 'Error', 'Unable to stringify response body'],
] as const) {
  test(`P43 P44: a result without JSON, ${what}: ${errorType}`, async () => {
    const { log, api, serve } = standLoop(async () => result, [deliveryOf('r1'), deliveryOf('r2')], { compat });
    await serve();
    assert.equal(api.reports.length, 2, 'the loop goes on');
    const body = JSON.parse(api.reports[0]?.body ?? '');
    assert.deepEqual([body.errorType, body.errorMessage], [errorType, message]);
    assert.ok(!log.some((line) => `${line}`.startsWith('respond')));
    assert.ok(!log.includes('settled'), 'the observer hears of the failure only');
  });
}

for (const [status, line] of [
  [400, 'error Failed to post handler success response. Http response code: 400. text'],
  [403, 'error Failed to post handler success response. Http response code: 403. text'],
  [410, 'error The answer to request r1 came after its time was up and was dropped.'],
  [413, 'error Failed to post handler success response. Http response code: 413. text'],
] as const) {
  test(`P46 policy 5: an answer refused with ${status} is logged, and the loop goes on`, async () => {
    const { log, api, serve } = standLoop(() => 1, [deliveryOf('r1'), deliveryOf('r2')]);
    api.onPost = (requestId) => (requestId === 'r1' ? refused(status, 'text') : accepted());
    await serve();
    assert.deepEqual(log.slice(3, 7), ['respond r1 1', `taken ${status} 0`, line, 'answered r1']);
    assert.ok(log.includes('respond r2 1'));
  });
}

test('an error answer that is refused is logged as such', async () => {
  const { log, api, serve } = standLoop(() => Promise.reject(new Error('x')), [deliveryOf('r1')]);
  api.onPost = () => refused(403, 'late');
  await serve();
  assert.ok(log.includes('error Failed to post handler error response. Http response code: 403. late'));
});

test('5xx is not to be recovered from: the loop ends with Runtime.PlatformError', async () => {
  for (const [handler, what] of [
    [() => 1, 'success'],
    [() => Promise.reject(new Error('x')), 'error'],
  ] as const) {
    const { log, api, serve } = standLoop(handler, [deliveryOf('r1'), deliveryOf('r2')]);
    api.onPost = () => refused(500, 'down');
    await assert.rejects(serve(), {
      name: 'Runtime.PlatformError',
      message: `POST ${what}: the Runtime API answered with status 500: down`,
    });
    assert.ok(log.includes('taken 500 0'));
    assert.ok(!log.includes('next r2'));
  }
});

test('a connection that breaks while an answer is posted: logged, and the next poll decides', async () => {
  const { log, api, serve } = standLoop(() => 1, [deliveryOf('r1'), deliveryOf('r2')]);
  api.onPost = (requestId) => (requestId === 'r1' ? Promise.reject(new Error('reset')) : accepted());
  await serve();
  assert.deepEqual(log.slice(3, 8), [
    'respond r1 1',
    'error Failed to post handler success response. reset',
    'taken undefined 0',
    'answered r1',
    'next r2',
  ]);
});

test('the same request id delivered twice: two invocations', async () => {
  const { log, serve } = standLoop(() => 1, [deliveryOf('retry'), deliveryOf('retry')]);
  await serve();
  assert.equal(log.filter((line) => line === 'respond retry 1').length, 2);
  assert.equal(log.filter((line) => line === 'answered retry').length, 2);
});

test('a result that comes after an empty loop had ended the invocation is logged', async () => {
  let late: () => void = assert.fail;
  const stand = standLoop(
    (_event, context) => {
      late = () => context.succeed('late');
    },
    [deliveryOf('r1')],
  );
  const served = stand.serve();
  await settle();
  stand.runDry();
  await served;
  late();
  assert.deepEqual(stand.log.slice(-2), [
    'context method',
    'error Invocation has already been reported as done. Cannot call complete more than once per invocation.',
  ]);
  assert.ok(stand.log.includes('respond r1 null'));
});

test('policy 2: a crash fails the open invocation, once; what its handler does later is not posted', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { log, api, loop, serve } = standLoop(() => promise, [deliveryOf('r1'), deliveryOf('r2')]);
  void serve();
  await settle();
  let pollsAfterCrash = 0;
  const { next } = api;
  api.next = () => {
    pollsAfterCrash++;
    return next.call(api);
  };
  await loop.crash(new RangeError('from a timer'));
  assert.deepEqual(log.slice(2), ['settled RangeError', 'fail r1 RangeError', 'taken 202 0']);
  await loop.crash(new Error('again'));
  resolve('too late');
  await settle();
  assert.equal(pollsAfterCrash, 0, 'a poll would meet the error on its way');
  assert.ok(!log.some((line) => `${line}`.startsWith('respond')));
  assert.equal(log.filter((line) => `${line}`.startsWith('fail')).length, 1);
});

test('a crash when nothing is open posts nothing; an answer on its way is waited for, and is the only one', async () => {
  const idle = standLoop(() => 1, []);
  await idle.loop.crash(new Error('x'));
  assert.deepEqual(idle.log, []);

  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof accepted>>();
  const { log, api, loop, serve } = standLoop(() => 1, [deliveryOf('r1')]);
  api.onPost = () => promise;
  void serve();
  await settle();
  const crashed = loop.crash(new Error('x')).then(() => log.push('crashed'));
  await settle();
  assert.ok(!log.includes('crashed'));
  resolve(accepted());
  await crashed;
  assert.deepEqual(
    log.filter((line) => `${line}`.startsWith('taken') || line === 'crashed'),
    ['taken 202 0', 'crashed'],
  );
  assert.ok(!log.some((line) => `${line}`.startsWith('fail')));
});

test('what is delivered to a process that is about to end is not begun: its answer says why', async () => {
  const begun: unknown[] = [];
  const stand = standLoop((_event, context) => void begun.push(context.awsRequestId), [deliveryOf('r1')]);
  await stand.loop.crash(new RangeError('from a timer'));
  await Promise.race([stand.serve(), settle()]);
  assert.deepEqual(begun, []);
  assert.deepEqual(stand.log, ['next r1', 'begin r1 {}', 'settled RangeError', 'fail r1 RangeError', 'taken 202 0']);
});

test('a crash while the loop flushes: the next poll would be for an invocation that nobody can serve', async () => {
  const flushing = Promise.withResolvers<void>();
  const { log, loop, serve } = standLoop(() => 1, [deliveryOf('r1'), deliveryOf('r2')], {
    isExtensionRegistered: false,
    observer: { ...unobserved, flush: () => flushing.promise },
  });
  void serve();
  await settle();
  await loop.crash(new Error('x'));
  flushing.resolve();
  await settle();
  assert.ok(!log.includes('next r2'));
});

test('a crash that cannot be told to the platform does not make it worse', async () => {
  const { log, api, loop, serve } = standLoop(() => new Promise(() => {}), [deliveryOf('r1')]);
  void serve();
  await settle();
  api.onPost = () => Promise.reject(new Error('reset'));
  await loop.crash(new Error('x'));
  assert.ok(log.includes('error Failed to post handler error response. reset'));
  api.onPost = () => refused(500, 'down');
  await loop.crash(new Error('x'));
});

test('a poll that fails ends the loop with its error', async () => {
  const { api } = standLoop(() => 1, []);
  const failure = new Error('the API is gone');
  api.next = () => Promise.reject(failure);
  const { loop } = standLoop(() => 1, []);
  assert.ok(loop instanceof Loop);
  await assert.rejects(loop.serve(api), failure);
});
