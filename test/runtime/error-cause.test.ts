import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { xrayErrorCause } from '../../runtime/error-cause.ts';
import { parseStackFrames } from '../../runtime/stack-frames.ts';
import { oddValue } from './odd-values.ts';

type Cause = {
  working_directory: string;
  exceptions: { type: string; message: string; stack: { path?: string; line?: number; label: string }[] }[];
  paths: string[];
};

const causeOf = (thrown: unknown): Cause => JSON.parse(xrayErrorCause(thrown, '/var/task'));
const frame = (line: string): unknown => parseStackFrames(`Error: x\n    at ${line}`, 'x', 50)[0];

test('P68: working directory, type, message, frames and distinct paths', () => {
  const error = new TypeError('no table');
  error.stack = [
    'TypeError: no table',
    '    at query (/var/task/db.js:10:5)',
    '    at Runtime.handler (file:///var/task/index.mjs:6:11)',
    '    at again (/var/task/db.js:20:5)',
  ].join('\n');
  assert.deepEqual(causeOf(error), {
    working_directory: '/var/task',
    exceptions: [
      {
        type: 'TypeError',
        message: 'no table',
        stack: [
          { path: '/var/task/db.js', line: 10, label: 'query' },
          { path: 'file:///var/task/index.mjs', line: 6, label: 'Runtime.handler' },
          { path: '/var/task/db.js', line: 20, label: 'again' },
        ],
      },
    ],
    paths: ['/var/task/db.js', 'file:///var/task/index.mjs'],
  });
});

test('P68: frames of every form that V8 writes', () => {
  const cases: [string, unknown][] = [
    ['/var/task/index.js:3:9', { path: '/var/task/index.js', line: 3, label: 'anonymous' }],
    ['file:///var/task/index.mjs:3:9', { path: 'file:///var/task/index.mjs', line: 3, label: 'anonymous' }],
    [
      'process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      { path: 'node:internal/process/task_queues', line: 105, label: 'process.processTicksAndRejections' },
    ],
    ['node:events:518:28', { path: 'node:events', line: 518, label: 'anonymous' }],
    ['async load (/var/task/a.js:1:2)', { path: '/var/task/a.js', line: 1, label: 'async load' }],
    ['async file:///var/task/a.mjs:7:1', { path: 'file:///var/task/a.mjs', line: 7, label: 'anonymous' }],
    ['async Promise.all (index 3)', { label: 'async Promise.all' }],
    ['new Order (/var/task/a.js:4:2)', { path: '/var/task/a.js', line: 4, label: 'new Order' }],
    ['Object.<anonymous> (/var/task/a.js:4:2)', { path: '/var/task/a.js', line: 4, label: 'Object.<anonymous>' }],
    ['Type.method [as alias] (/a.js:4:2)', { path: '/a.js', line: 4, label: 'Type.method [as alias]' }],
    ['Array.map (<anonymous>)', { path: '<anonymous>', label: 'Array.map' }],
    ['JSON.parse (native)', { path: 'native', label: 'JSON.parse' }],
    ['f (/var/task/copy (2)/a.js:4:2)', { path: '/var/task/copy (2)/a.js', line: 4, label: 'f' }],
    ['f (/var/task/my code/a.js:4:2)', { path: '/var/task/my code/a.js', line: 4, label: 'f' }],
    ['eval (eval at run (/var/task/e.js:3:5), <anonymous>:1:7)', { path: '/var/task/e.js', line: 3, label: 'eval' }],
    [
      'g (eval at f (eval at run (/var/task/e.js:3:5), <anonymous>:1:7), <anonymous>:2:9)',
      { path: '/var/task/e.js', line: 3, label: 'g' },
    ],
    ['w (wasm://wasm/0a1b:wasm-function[3]:0x1f)', { path: 'wasm://wasm/0a1b:wasm-function[3]:0x1f', label: 'w' }],
    ['f (a.js:99999999999:1)', { path: 'a.js', label: 'f' }],
    ['f (/odd)/a.js:4:2)', { path: '/odd)/a.js', line: 4, label: 'f' }],
  ];
  for (const [line, expected] of cases) assert.deepEqual(frame(line), expected, line);
});

test('P68: real frames point to this file', async () => {
  const evaluated = (): unknown => new Function('return new Error("from eval");')();
  const asynchronous = async (): Promise<never> => {
    await undefined;
    throw new Error('later');
  };
  const later = await Promise.all([asynchronous()]).catch((error: unknown) => error);
  for (const error of [new Error('here'), evaluated(), later]) {
    const [first] = causeOf(error).exceptions[0]!.stack;
    assert.match(first!.path ?? '', /error-cause\.test\.ts$/);
    assert.ok(first!.line! > 0);
  }
});

test('P68: a message of many lines gives no frames, even when they look like frames', () => {
  const error = new Error('first\n    at fake (fake.js:1:1)\nlast');
  const [exception] = causeOf(error).exceptions;
  assert.match(exception!.stack[0]!.path!, /error-cause\.test\.ts$/);
  assert.equal(exception!.message, error.message);
});

test('P68: a message changed after the stack was made does not hide the frames', () => {
  const error = new Error('old');
  error.message = 'at';
  assert.match(causeOf(error).exceptions[0]!.stack[0]!.path!, /error-cause\.test\.ts$/);
});

test('causes and members of an AggregateError follow, each once, however they are linked', () => {
  const inner = new RangeError('inner');
  const error = new Error('outer', { cause: new AggregateError([inner, 'text', inner], 'many', { cause: inner }) });
  (inner as { cause?: unknown }).cause = error;
  assert.deepEqual(
    causeOf(error).exceptions.map(({ type, message }) => [type, message]),
    [
      ['Error', 'outer'],
      ['AggregateError', 'many'],
      ['RangeError', 'inner'],
      ['string', 'text'],
    ],
  );
});

test('chains end after five causes, and there are at most ten exceptions', () => {
  let chain = new Error('0');
  for (let depth = 1; depth < 20; depth++) chain = new Error(String(depth), { cause: chain });
  assert.equal(causeOf(chain).exceptions.length, 6);
  const many = new AggregateError(Array.from({ length: 1000 }, (_, index) => new Error(String(index))));
  assert.equal(causeOf(many).exceptions.length, 10);
});

test('other values than errors have type and text; P68: null too, instead of no header', () => {
  assert.deepEqual(causeOf('text').exceptions, [{ type: 'string', message: 'text', stack: [] }]);
  assert.deepEqual(causeOf(null).exceptions, [{ type: 'object', message: 'null', stack: [] }]);
});

test('P68: one line of ASCII with \\u escapes, DEL as %7F', () => {
  const header = xrayErrorCause(new Error('ü🙂\r\n\x7f\u2028'), '/tâsk');
  assert.match(header, /^[\x20-\x7e]+$/);
  assert.ok(header.includes('\\u00fc\\ud83d\\ude42\\r\\n%7F\\u2028'));
  assert.equal(JSON.parse(header).working_directory, '/tâsk');
});

test('a toJSON on a built-in prototype costs the header, not the answer', () => {
  const prototype = Object.prototype as { toJSON?: unknown };
  try {
    prototype.toJSON = () => assert.fail('called');
    assert.equal(xrayErrorCause(new Error('x'), '/var/task'), '');
  } finally {
    delete prototype.toJSON;
  }
});

test('8 kB at most: frames go first, from the end, then exceptions, then the message is cut', () => {
  const deep = new Error('deep');
  deep.stack = `Error: deep\n${Array.from({ length: 400 }, (_, index) => `    at f${index} (/var/task/${'d'.repeat(200)}.js:${index + 1}:1)`).join('\n')}`;
  const header = xrayErrorCause(deep, '/var/task');
  const { exceptions } = JSON.parse(header) as Cause;
  assert.ok(header.length <= 8192 && header.length > 6000, String(header.length));
  assert.equal(exceptions[0]!.stack[0]!.label, 'f0');

  const broad = new AggregateError(
    Array.from({ length: 9 }, () => new Error('x'.repeat(2000))),
    'broad',
  );
  const kept = (JSON.parse(xrayErrorCause(broad, '/var/task')) as Cause).exceptions;
  assert.ok(kept.length > 1 && kept.length < 10, String(kept.length));
  assert.equal(kept[0]!.message, 'broad');
  assert.equal(kept[0]!.stack.length, 1, 'where it happened is worth more than one more exception');

  const long = JSON.parse(xrayErrorCause(new Error('ü'.repeat(1_000_000)), '/var/task')) as Cause;
  assert.match(long.exceptions[0]!.message, /^ü{500,}$/);
});

test('a stack of a megabyte, and one made to be slow to parse, are read at once', () => {
  const error = new Error('big');
  const nasty = `    at eval at ${'('.repeat(1000)}`;
  for (const stack of [
    '\n'.repeat(1e6) + 'big',
    `${' '.repeat(1e6)}big`,
    `Error: big\n${`${nasty}\n`.repeat(1000)}`,
    '    at f (a.js:1:1)\n'.repeat(6e4),
  ]) {
    error.stack = stack;
    // Anything quadratic would not come back from here.
    assert.ok(xrayErrorCause(error, '/var/task').length <= 8192);
  }
});

test('10 000 odd values: never a throw, a bounded line of ASCII that is JSON with the types the platform decodes', () => {
  fc.assert(
    fc.property(oddValue, (make) => {
      const header = xrayErrorCause(make(), '/var/task');
      assert.ok(header.length <= 8192);
      assert.match(header, /^[\x20-\x7e]+$/);
      const cause = JSON.parse(header) as Cause;
      for (const { type, message, stack } of cause.exceptions) {
        assert.ok(typeof type === 'string' && typeof message === 'string');
        for (const { path, line, label } of stack) {
          assert.ok(path === undefined || typeof path === 'string');
          assert.ok(line === undefined || Number.isSafeInteger(line));
          assert.ok(typeof label === 'string' && label !== '' && label === label.trim());
        }
      }
    }),
    { numRuns: 10_000 },
  );
});
