import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStack } from '../../../../instrumentation/export/xray/stack-frames.ts';

const frames = (text: string, message?: string) => parseStack(text, message).frames;

test('a stack of every kind of frame', () => {
  const stack = [
    'TypeError: Cannot read properties of undefined',
    '    at inner (/var/task/lib/a.js:10:5)',
    '    at Object.<anonymous> (file:///var/task/index.mjs:6:11)',
    '    at new Cart (/var/task/cart.js:3:9)',
    '    at async handler (file:///var/task/index.mjs:20:3)',
    '    at async file:///var/task/index.mjs:31:7',
    '    at /var/task/my (copy)/b.js:1:2',
    '    at run (/var/task/my (copy)/b.js:4:5)',
    '    at Foo.bar [as baz] (/var/task/c.js:7:8)',
    '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    '    at Array.map (<anonymous>)',
    '    at async Promise.all (index 0)',
    '    at eval (eval at build (/var/task/d.js:1:2), <anonymous>:3:4)',
    '    at native',
  ].join('\n');
  assert.deepEqual(frames(stack, 'Cannot read properties of undefined'), [
    { path: '/var/task/lib/a.js', line: 10, label: 'inner' },
    { path: 'file:///var/task/index.mjs', line: 6, label: 'Object.<anonymous>' },
    { path: '/var/task/cart.js', line: 3, label: 'new Cart' },
    { path: 'file:///var/task/index.mjs', line: 20, label: 'handler' },
    { path: 'file:///var/task/index.mjs', line: 31 },
    { path: '/var/task/my (copy)/b.js', line: 1 },
    { path: '/var/task/my (copy)/b.js', line: 4, label: 'run' },
    { path: '/var/task/c.js', line: 7, label: 'Foo.bar [as baz]' },
    { path: 'node:internal/process/task_queues', line: 95, label: 'process.processTicksAndRejections' },
    { path: '<anonymous>', label: 'Array.map' },
    { path: 'index 0', label: 'Promise.all' },
    { path: 'eval at build (/var/task/d.js:1:2), <anonymous>', line: 3, label: 'eval' },
    { path: 'native' },
  ]);
});

test('a message of several lines yields no frames, even one that quotes a stack', () => {
  const message = 'first\n    at quoted (/fake.js:1:1)\nlast';
  const stack = `Error: ${message}\n    at real (/var/task/a.js:2:3)`;
  assert.deepEqual(frames(stack, message), [{ path: '/var/task/a.js', line: 2, label: 'real' }]);
});

test('a message that was changed after the stack was made', () => {
  const stack = 'Error: before\n    at real (/var/task/a.js:2:3)';
  const expected = [{ path: '/var/task/a.js', line: 2, label: 'real' }];
  assert.deepEqual(frames(stack, 'after'), expected);
  assert.deepEqual(frames(stack, 'real'), expected);
});

test('frames without a header', () => {
  assert.deepEqual(frames('    at real (/a.js:2:3)\n    at b.js:1:1'), [
    { path: '/a.js', line: 2, label: 'real' },
    { path: 'b.js', line: 1 },
  ]);
});

test('a real stack of this process', () => {
  const [first] = frames(new Error('several\nlines').stack!, 'several\nlines');
  assert.match(first!.path!, /stack-frames\.test\.ts$/);
  assert.ok(first!.line! > 0);
});

test('more than fifty frames are counted', () => {
  const stack = `Error: deep\n${Array.from({ length: 500 }, (_, line) => `    at f${line} (/a.js:${line}:1)`).join('\n')}`;
  const parsed = parseStack(stack, 'deep');
  assert.equal(parsed.frames.length, 50);
  assert.equal(parsed.frames[49]!.label, 'f49');
  assert.equal(parsed.truncated, 450);
});

test('what is no stack gives no frames', () => {
  for (const text of ['', 'oops', 'Error: oops', '\n\n', 'at', 'at ', `${':1'.repeat(50_000)}`]) {
    assert.deepEqual(parseStack(text, undefined), { frames: [], truncated: 0 }, text.slice(0, 20));
  }
});

test('a line number beyond all numbers is left out', () => {
  assert.deepEqual(frames(`at f (/a.js:${'9'.repeat(400)}:1)`), [{ path: '/a.js', label: 'f' }]);
});
