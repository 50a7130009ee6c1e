import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import fc from 'fast-check';
import { type ErrorBodyOptions, errorBody } from '../../runtime/error-body.ts';
import { oddValue } from './odd-values.ts';

const unreadable =
  'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';

const bodyOf = (thrown: unknown, options?: ErrorBodyOptions): unknown => JSON.parse(errorBody(thrown, options).body);

test('P61: an error becomes name, message and trace, in this order, and nothing else of it', () => {
  class OrderError extends TypeError {
    override name = 'OrderMissing';
    code = 'E_ORDER';
    override cause = new Error('inner');
  }
  const error = new OrderError('no order 7');
  const expected = { errorType: 'OrderMissing', errorMessage: 'no order 7', trace: error.stack!.split('\n') };
  for (const compat of ['node22', 'node24', undefined] as const) {
    assert.equal(errorBody(error, { compat }).body, JSON.stringify(expected));
  }
  assert.equal(errorBody(error).errorType, 'OrderMissing');
  assert.equal(errorBody(new AggregateError([error], 'many')).errorType, 'AggregateError');
});

test('P61: DEL becomes %7F in all three', () => {
  const error = new Error('a\x7fb');
  error.name = 'N\x7f';
  error.stack = 'N\x7f: a\x7fb\n at x\x7f';
  assert.deepEqual(bodyOf(error), { errorType: 'N%7F', errorMessage: 'a%7Fb', trace: ['N%7F: a%7Fb', ' at x%7F'] });
});

test('P62: errors of another realm and look-alikes are errors, except with node24', () => {
  const foreign = vm.runInNewContext('new TypeError("vm")');
  const lookAlike = { name: 'Duck', message: 'quack', stack: 'Duck: quack\n at pond' };
  for (const compat of ['node22', undefined] as const) {
    assert.equal((bodyOf(foreign, { compat }) as { errorType: string }).errorType, 'TypeError');
    assert.deepEqual(bodyOf(lookAlike, { compat }), {
      errorType: 'Duck',
      errorMessage: 'quack',
      trace: ['Duck: quack', ' at pond'],
    });
  }
  assert.deepEqual(bodyOf(foreign, { compat: 'node24' }), {
    errorType: 'object',
    errorMessage: 'TypeError: vm',
    trace: [],
  });
  assert.deepEqual(bodyOf(lookAlike, { compat: 'node24' }), {
    errorType: 'object',
    errorMessage: '[object Object]',
    trace: [],
  });
});

test('P63: other values are their type and their text', () => {
  const cases: [unknown, string, string][] = [
    ['text', 'string', 'text'],
    [5, 'number', '5'],
    [false, 'boolean', 'false'],
    [10n, 'bigint', '10'],
    [Symbol('s'), 'symbol', 'Symbol(s)'],
    [{ a: 1 }, 'object', '[object Object]'],
    [[1, 'b', [2]], 'object', '1,b,2'],
  ];
  for (const [thrown, errorType, errorMessage] of cases) {
    for (const compat of ['node22', 'node24', undefined] as const) {
      assert.deepEqual(bodyOf(thrown, { compat }), { errorType, errorMessage, trace: [] });
    }
  }
});

test('P64: null and undefined say what they are; with node22 they are the text "handled"', () => {
  assert.deepEqual(bodyOf(null), { errorType: 'object', errorMessage: 'null', trace: [] });
  assert.deepEqual(bodyOf(undefined), { errorType: 'undefined', errorMessage: 'undefined', trace: [] });
  for (const nothing of [null, undefined]) {
    assert.deepEqual(bodyOf(nothing, { compat: 'node22' }), {
      errorType: 'string',
      errorMessage: 'handled',
      trace: [],
    });
  }
});

test('P65: values that cannot be looked at', () => {
  const getter = Object.defineProperty(new Error('x'), 'message', { get: () => assert.fail('looked at') });
  const numeric = Object.assign(new Error('x'), { name: 5 });
  const bare = Object.create(null);
  const broken = { toString: () => assert.fail('converted') };
  for (const thrown of [getter, numeric, bare, broken]) {
    const expected = { errorType: 'handled', errorMessage: unreadable };
    assert.equal(errorBody(thrown).body, JSON.stringify({ ...expected, trace: [] }));
    assert.equal(errorBody(thrown, { compat: 'node24' }).body, JSON.stringify({ ...expected, trace: [] }));
    assert.equal(errorBody(thrown, { compat: 'node22' }).body, JSON.stringify(expected));
    assert.equal(errorBody(thrown).errorType, 'handled');
  }
});

test('P66: an error without a stack keeps its name; one with a strange stack is unreadable', () => {
  const without = Object.assign(new RangeError('r'), { stack: undefined });
  assert.deepEqual(bodyOf(without), { errorType: 'RangeError', errorMessage: 'r', trace: [] });
  assert.equal((bodyOf(without, { compat: 'node22' }) as { errorType: string }).errorType, 'handled');
  const strange = Object.assign(new RangeError('r'), { stack: 5 });
  assert.equal((bodyOf(strange) as { errorType: string }).errorType, 'handled');
});

test('P61: a name that is null is left out, as both families do; the header still says something', () => {
  const error = Object.assign(new Error('m'), { name: null, stack: 's' });
  assert.equal(errorBody(error).body, '{"errorMessage":"m","trace":["s"]}');
  assert.equal(errorBody(error).errorType, 'Error');
});

test('the header value is one short line of visible ASCII', () => {
  const named = (name: string): string => errorBody(Object.assign(new Error('x'), { name })).errorType;
  assert.equal(named('Runtime.HandlerNotFound'), 'Runtime.HandlerNotFound');
  assert.equal(named('Fehler\r\nX-Injected: ü'), 'Fehler??X-Injected: ?');
  assert.equal(named('  '), 'Error');
  assert.equal(named('x'.repeat(10_000)).length, 256);
});

test('bodies over the limit are cut: the trace first to go, the message long enough to read', () => {
  const error = new Error('m'.repeat(3_000_000));
  error.stack = `Error: short\n${'    at f (file.js:1:1)\n'.repeat(200_000)}`;
  const { body } = errorBody(error, { limitBytes: 1_048_576 });
  assert.ok(Buffer.byteLength(body) <= 1_048_576);
  const { errorType, errorMessage, trace } = JSON.parse(body);
  assert.equal(errorType, 'Error');
  assert.ok(errorMessage.length > 100_000 && errorMessage.endsWith('… (cut)'));
  assert.ok(trace.length > 100 && /^ {4}… \d+ more lines$/.test(trace.at(-1)));
  const control = errorBody(new Error('\x01'.repeat(7_000_000)));
  assert.ok(Buffer.byteLength(control.body) <= 6_291_556, 'six bytes of JSON per character');
  assert.doesNotThrow(() => JSON.parse(control.body));
});

test('a toJSON on a built-in prototype changes nothing', () => {
  const prototypes = [Object.prototype, Array.prototype, String.prototype] as { toJSON?: unknown }[];
  const expected = errorBody('x').body;
  try {
    for (const prototype of prototypes) prototype.toJSON = () => assert.fail('called');
    assert.equal(errorBody('x').body, expected);
  } finally {
    for (const prototype of prototypes) delete prototype.toJSON;
  }
});

test('10 000 odd values: never a throw, always one JSON object of strings within the limit', () => {
  fc.assert(
    fc.property(oddValue, fc.constantFrom('node22', 'node24', undefined), (make, compat) => {
      const { body, errorType } = errorBody(make(), { compat, limitBytes: 16_384 });
      assert.ok(Buffer.byteLength(body) <= 16_384);
      assert.match(errorType, /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/);
      const fields = JSON.parse(body) as Record<string, unknown>;
      for (const [name, value] of Object.entries(fields)) {
        assert.ok(['errorType', 'errorMessage', 'trace'].includes(name));
        if (name === 'trace') assert.ok((value as unknown[]).every((line) => typeof line === 'string'));
        else assert.equal(typeof value, 'string');
      }
    }),
    { numRuns: 10_000 },
  );
});
