import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSpan, ERROR, exceptionEvent, kinds, OK, type SpanDescription } from '../../span-builder.ts';
import { draw, drawOne, exceptionsOf, placement } from './drawing.ts';

const { CLIENT, INTERNAL, SERVER } = kinds;

type Flags = { error?: true; throttle?: true; fault?: true };

const flags: readonly (readonly [string, SpanDescription, Flags])[] = [
  ['nothing', {}, {}],
  ['status OK', { status: { code: OK } }, {}],
  ['status ERROR', { status: { code: ERROR } }, { fault: true }],
  ['200', { attributes: { 'http.status_code': 200 } }, {}],
  ['200 and status ERROR', { attributes: { 'http.status_code': 200 }, status: { code: ERROR } }, { fault: true }],
  ['404', { attributes: { 'http.response.status_code': 404 } }, { error: true }],
  ['404 and status ERROR', { attributes: { 'http.status_code': 404 }, status: { code: ERROR } }, { error: true }],
  ['429', { attributes: { 'http.status_code': 429 }, status: { code: ERROR } }, { error: true, throttle: true }],
  ['500', { attributes: { 'http.status_code': 500 } }, { fault: true }],
  ['599', { attributes: { 'http.status_code': 599 } }, { fault: true }],
  ['600', { attributes: { 'http.status_code': 600 } }, {}],
  ['an exception event alone', { events: [exceptionEvent(new Error('x'))] }, {}],
  [
    'an AWS service that throttles with 400',
    {
      kind: CLIENT,
      attributes: { 'rpc.system': 'aws-api', 'http.status_code': 400 },
      events: [{ name: 'exception', attributes: { 'exception.type': 'ThrottlingException' } }],
      status: { code: ERROR },
    },
    { error: true, throttle: true },
  ],
  [
    'an AWS service that throttles with 503, told by error.type',
    { kind: CLIENT, attributes: { 'rpc.system': 'aws-api', 'http.status_code': 503, 'error.type': 'SlowDown' } },
    { error: true, throttle: true },
  ],
  [
    'somebody else with such a name',
    { kind: CLIENT, attributes: { 'http.status_code': 503, 'error.type': 'SlowDown' } },
    { fault: true },
  ],
];
for (const [what, description, expected] of flags) {
  test(`flags: ${what}`, () => {
    const { error, throttle, fault } = drawOne(description);
    assert.deepEqual(
      { error, throttle, fault },
      { error: undefined, throttle: undefined, fault: undefined, ...expected },
    );
  });
}

test('an exception event becomes an exception with frames, recorded even when the span is fine', () => {
  const error = new TypeError('no cart\nat all');
  const drawn = drawOne({ kind: INTERNAL, events: [exceptionEvent(error)] }, { workingDirectory: '/here' });
  assert.equal(drawn.fault, undefined);
  assert.ok(typeof drawn.cause === 'object');
  assert.equal(drawn.cause.working_directory, '/here');
  const [exception] = exceptionsOf(drawn);
  assert.equal(exception!.type, 'TypeError');
  assert.equal(exception!.message, 'no cart\nat all');
  assert.equal(exception!.remote, undefined);
  assert.match(exception!.stack![0]!.path!, /cause\.test\.ts$/);
});

test('several exceptions of one span, those of a call outside are remote', () => {
  const drawn = drawOne({ kind: CLIENT, events: [exceptionEvent(new Error('a')), exceptionEvent(new Error('b'))] });
  assert.deepEqual(
    exceptionsOf(drawn).map(({ message, remote }) => [message, remote]),
    [
      ['a', true],
      ['b', true],
    ],
  );
});

const statusCases: readonly (readonly [string, SpanDescription, string | undefined])[] = [
  ['a status message', { status: { code: ERROR, message: 'it broke' } }, 'it broke'],
  ['an empty status message', { status: { code: ERROR, message: '' } }, undefined],
  [
    'the text of an HTTP status',
    { status: { code: ERROR }, attributes: { 'http.status_text': 'Bad Gateway', 'http.status_code': 502 } },
    'Bad Gateway',
  ],
  ['a failed status without ERROR', { attributes: { 'http.status_code': 500, 'http.status_text': 'x' } }, undefined],
  ['the message of a span that is fine', { status: { code: OK, message: 'fine' } }, undefined],
];
for (const [what, description, message] of statusCases) {
  test(`cause from ${what}`, () => {
    const drawn = drawOne(description);
    if (message === undefined) assert.equal(drawn.cause, undefined);
    else
      assert.deepEqual(
        exceptionsOf(drawn).map((exception) => exception.message),
        [message],
      );
  });
}

test('an exception that passed through several subsegments stands in full on the innermost', () => {
  const error = new Error('lost');
  const span = (description: SpanDescription) =>
    buildSpan({ status: { code: ERROR }, events: [exceptionEvent(error)], ...description });
  const spans = [
    span({ id: placement.invocationSpanId, parent: placement.serverSpanId, name: 'Invocation' }),
    span({ id: 'bb00000000000001', parent: placement.invocationSpanId, name: 'outer' }),
    span({ id: 'bb00000000000002', parent: 'bb00000000000001', name: 'inner' }),
  ];
  const invocation = draw(spans).documents[0]!;
  const outer = invocation.subsegments![0]!;
  const inner = outer.subsegments![0]!;
  const { id } = exceptionsOf(inner)[0]!;
  assert.equal(outer.cause, id);
  assert.equal(invocation.cause, id);
});

test('a live error that a child recorded as text alone is the same exception', () => {
  const error = new Error('both');
  const spans = [
    buildSpan({
      id: 'bb00000000000001',
      name: 'up',
      events: [{ ...exceptionEvent(error), name: 'exception', time: [1, 0] }],
    }),
    buildSpan({ parent: 'bb00000000000001', name: 'down', events: [{ ...exceptionEvent(error), time: [0, 0] }] }),
  ];
  const [up] = draw(spans, { liveErrorOf: ({ time }) => (time[0] === 1 ? error : undefined) }).documents;
  assert.equal(up!.cause, exceptionsOf(up!.subsegments![0]!)[0]!.id);
});

test('the chain behind a live error: causes, outer first, each with the id of the next', () => {
  const root = new RangeError('root');
  const middle = new TypeError('middle', { cause: root });
  const top = new Error('top', { cause: middle });
  const event = exceptionEvent(top);
  const drawn = drawOne({ events: [event] }, { liveErrorOf: () => top });
  const [first, second, third, ...rest] = exceptionsOf(drawn);
  assert.deepEqual([first!.type, second!.type, third!.type, rest.length], ['Error', 'TypeError', 'RangeError', 0]);
  assert.equal(first!.cause, second!.id);
  assert.equal(second!.cause, third!.id);
  assert.equal(third!.cause, undefined);
  assert.ok(third!.stack!.length > 0);
});

test('the same live error has the same id in every document', () => {
  const error = new Error('again');
  const description = { events: [exceptionEvent(error)] };
  const ids = [1, 2].map(() => exceptionsOf(drawOne(description, { liveErrorOf: () => error }))[0]!.id);
  assert.equal(ids[0], ids[1]);
});

test('a live error wrapped on its way up is not repeated', () => {
  const inner = new Error('inner');
  const outer = new Error('outer', { cause: inner });
  const live = new Map([
    [inner.message, inner],
    [outer.message, outer],
  ]);
  const spans = [
    buildSpan({ id: 'bb00000000000001', name: 'up', events: [exceptionEvent(outer)] }),
    buildSpan({ parent: 'bb00000000000001', name: 'down', events: [exceptionEvent(inner)] }),
  ];
  const [up] = draw(spans, {
    liveErrorOf: ({ attributes }) => live.get(String(attributes?.['exception.message'])),
  }).documents;
  const innerId = exceptionsOf(up!.subsegments![0]!)[0]!.id;
  assert.deepEqual(
    exceptionsOf(up!).map(({ message, cause }) => [message, cause]),
    [['outer', innerId]],
  );
});

test('an AggregateError shows the first five of its errors', () => {
  const errors = Array.from({ length: 7 }, (_, index) => new Error(`e${index}`));
  const aggregate = new AggregateError([...errors.slice(0, 4), 'text', ...errors.slice(4)], 'all failed');
  const [first, ...rest] = exceptionsOf(
    drawOne({ events: [exceptionEvent(aggregate)] }, { liveErrorOf: () => aggregate }),
  );
  assert.equal(first!.cause, rest[0]!.id);
  assert.equal(first!.skipped, 3);
  assert.deepEqual(
    rest.map(({ message, type }) => [type, message]),
    [
      ['Error', 'e0'],
      ['Error', 'e1'],
      ['Error', 'e2'],
      ['Error', 'e3'],
      ['string', 'text'],
    ],
  );
});

test('a chain longer than five causes is cut and counted, a circle ends', () => {
  let error = new Error('0');
  for (let depth = 1; depth <= 20; depth += 1) error = new Error(String(depth), { cause: error });
  const long = exceptionsOf(drawOne({ events: [exceptionEvent(error)] }, { liveErrorOf: () => error }));
  assert.deepEqual(
    long.map(({ message }) => message),
    ['20', '19', '18', '17', '16', '15'],
  );
  assert.equal(long[5]!.skipped, 15);

  const one = new Error('one');
  const two = new Error('two', { cause: one });
  one.cause = two;
  const circle = exceptionsOf(drawOne({ events: [exceptionEvent(one)] }, { liveErrorOf: () => one }));
  assert.deepEqual(
    circle.map(({ message, cause, skipped }) => [message, cause, skipped]),
    [
      ['one', circle[1]!.id, undefined],
      ['two', undefined, undefined],
    ],
  );
});

test('what was thrown may be anything, and may throw again when looked at', () => {
  const hostile = new Proxy(new Error('hostile'), {
    get() {
      throw new Error('no');
    },
  });
  for (const [cause, type, message] of [
    ['text', 'string', 'text'],
    [7n, 'bigint', '7'],
    [{ message: { toString: () => 'odd' } }, 'Error', 'odd'],
    [Object.create(null), 'Error', undefined],
    [hostile, 'Error', undefined],
    [{ message: Object.create(null) }, 'Error', undefined],
  ] as const) {
    const error = new Error('outer', { cause });
    const drawn = drawOne({ events: [exceptionEvent(error)] }, { liveErrorOf: () => error });
    const [, inner] = exceptionsOf(drawn);
    assert.deepEqual([inner!.type, inner!.message], [type, message]);
  }
});

test('more than ten exceptions of one span are counted', () => {
  const events = Array.from({ length: 14 }, (_, index) => exceptionEvent(new Error(`e${index}`)));
  const exceptions = exceptionsOf(drawOne({ events }));
  assert.equal(exceptions.length, 10);
  assert.equal(exceptions[9]!.skipped, 4);
});

test('of two exceptions on server span and Invocation the Invocation shows its own', () => {
  const event = (message: string) => ({ name: 'exception', attributes: { 'exception.message': message } });
  const invocationOf = (events: ReturnType<typeof event>[]) => {
    const spans = [
      buildSpan({ id: placement.serverSpanId, kind: SERVER, events: [event('server')] }),
      buildSpan({ id: placement.invocationSpanId, parent: placement.serverSpanId, events }),
    ];
    return exceptionsOf(draw(spans).documents[0]!).map(({ message }) => message);
  };
  assert.deepEqual(invocationOf([event('own')]), ['own']);
  assert.deepEqual(invocationOf([]), ['server']);
});

test('the failure of a server span shows on the Invocation', () => {
  const spans = [
    buildSpan({ id: placement.serverSpanId, kind: SERVER, status: { code: ERROR, message: 'no luck' } }),
    buildSpan({ id: placement.invocationSpanId, parent: placement.serverSpanId, name: 'Invocation' }),
  ];
  const [invocation] = draw(spans).documents;
  assert.equal(invocation!.fault, true);
  assert.equal(exceptionsOf(invocation!)[0]!.message, 'no luck');
});
