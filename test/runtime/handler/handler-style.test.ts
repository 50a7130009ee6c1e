import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHandlerStyle, type HandlerStyleOptions } from '../../../runtime/handler/handler-style.ts';
import type { HandlerFunction } from '../../../runtime/handler/module-loading.ts';

const plain = (() => {}) as HandlerFunction;
const callback = ((_event: unknown, _context: unknown, _callback: unknown) => {}) as HandlerFunction;
const asyncCallback = (async (_event: unknown, _context: unknown, _callback: unknown) => {}) as HandlerFunction;

function check(
  handler: HandlerFunction,
  options: Partial<HandlerStyleOptions>,
): { lines: string[]; onMethod: () => void } {
  const lines: string[] = [];
  const onMethod = checkHandlerStyle(handler, {
    compat: undefined,
    isStreaming: false,
    executionEnvironment: 'AWS_Lambda_nodejs24.x',
    isWarningSilenced: false,
    warn: (text) => lines.push(text),
    ...options,
  });
  return { lines, onMethod };
}

test('P35: one line for a handler with a callback, none for others, none when silenced', () => {
  assert.match(check(callback, {}).lines.join(), /^The handler finishes by its callback/);
  assert.match(check(callback, { compat: 'node22' }).lines.join(), /^AWS Lambda plans to remove support for callback/);
  for (const options of [{ isWarningSilenced: true }, { isStreaming: true }]) {
    assert.deepEqual(check(callback, options).lines, []);
  }
  for (const handler of [plain, asyncCallback]) assert.deepEqual(check(handler, {}).lines, []);
});

test('P35 P48: the first context method is worth the same line, on Node 22 it says nothing', () => {
  const { lines, onMethod } = check(plain, {});
  onMethod();
  onMethod();
  assert.equal(lines.length, 1);
  const warned = check(callback, {});
  warned.onMethod();
  assert.equal(warned.lines.length, 1);
  const node22 = check(plain, { compat: 'node22' });
  node22.onMethod();
  assert.deepEqual(node22.lines, []);
});

test('P34: on Node 24 a handler with three parameters fails init, with the text for its environment', () => {
  for (const handler of [callback, asyncCallback]) {
    assert.throws(() => check(handler, { compat: 'node24' }), {
      name: 'Runtime.CallbackHandlerDeprecated',
      message: /starting with Node\.js 24/,
    });
  }
  assert.throws(() => check(callback, { compat: 'node24', executionEnvironment: 'AWS_Lambda_nodejs22.x' }), {
    name: 'Runtime.CallbackHandlerDeprecated',
    message: /Node\.js 22 with Managed Instances/,
  });
  assert.deepEqual(check(plain, { compat: 'node24' }).lines, []);
  assert.deepEqual(check(callback, { compat: 'node24', isStreaming: true }).lines, []);
});
