// An init that fails serves nobody: where OTLP can be reached, a trace of its own says why.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFunction } from '../support/function-under-test.ts';

for (const [what, source, errorType, message] of [
  ['a module that throws', 'throw new RangeError("not today");', 'RangeError', 'not today'],
  ['a module that is not there', 'import "./missing.mjs";', 'Error', /missing\.mjs/],
  ['a file that is no JavaScript', 'export const = 1;', 'Runtime.UserCodeSyntaxError', /Unexpected token/],
  ['no such export', 'export const other = 1;', 'Runtime.HandlerNotFound', /handler/],
  [
    'an exception beside the loading',
    'setTimeout(() => { throw new RangeError("not today"); }); await new Promise(() => {});',
    'RangeError',
    'not today',
  ],
] as const) {
  test(`${what}: Initialization is the root of a trace, with the error and the steps, once per try`, async () => {
    await using fn = await startFunction({ files: { 'index.mjs': source } });
    const result = await fn.invoke({});
    assert.notEqual(result.status, 'success');
    const roots = fn.otlp.spans.filter(({ name }) => name === 'Initialization');
    // Lambda tries it once more inside the first invocation.
    assert.equal(roots.length, 2);
    for (const root of roots) {
      const { flat, status, events = [] } = root;
      assert.deepEqual([status?.code, flat['error.type']], [2, errorType]);
      if (typeof message === 'string') assert.equal(status?.message, message);
      else assert.match(String(status?.message), message);
      assert.equal(root.parentSpanId || undefined, undefined);
      assert.deepEqual(
        events.map(({ name }) => name),
        ['exception'],
      );
      const steps = fn.otlp.spans.filter(({ parentSpanId }) => parentSpanId === root.spanId).map(({ name }) => name);
      for (const step of ['node boot', 'runtime load']) assert.ok(steps.includes(step), step);
      assert.ok(fn.otlp.spans.filter(({ traceId }) => traceId === root.traceId).length >= steps.length + 1);
    }
    assert.notEqual(roots[0]!.traceId, roots[1]!.traceId);
    assert.deepEqual(fn.xray.documents, [], 'X-Ray knows no trace before the first invocation');
  });
}

test('an init that fails is told of as the sampler wants it', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'throw new Error("x");' },
    environment: { OTEL_TRACES_SAMPLER: 'always_off' },
  });
  await fn.invoke({});
  assert.deepEqual(fn.otlp.spans, []);
});

test('an init that succeeds is drawn once, below the invocation that paid for it, also when that one crashes', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs':
        'export const handler = async () => { setTimeout(() => { throw new Error("x"); }); await new Promise(() => {}); };',
    },
  });
  await fn.invoke({});
  const inits = fn.otlp.spans.filter(({ name }) => name === 'Initialization');
  assert.equal(inits.length, 1);
  assert.equal(inits[0]!.parentSpanId, fn.otlp.spans.find(({ name }) => name === 'test-function')!.spanId);
});

test('an init that takes too long is told of when the platform cuts it off', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'await new Promise((resolve) => setTimeout(resolve, 60_000)); export const handler = 1;' },
    initTimeoutMs: 1000,
    timeoutMs: 1000,
  });
  const { status } = await fn.invoke({});
  assert.equal(status, 'timeout');
  const roots = fn.otlp.spans.filter(({ name }) => name === 'Initialization');
  assert.equal(roots.length, 2);
  for (const { flat, status: spanStatus } of roots) {
    assert.deepEqual([flat['error.type'], spanStatus?.code], ['Sandbox.Timedout', 2]);
    assert.match(String(spanStatus?.message), /init took too long/);
  }
});

test('an environment that is shut down idle has no failed init', async () => {
  await using fn = await startFunction({ files: { 'index.mjs': 'export const handler = async () => 1;' } });
  await fn.emulator.init();
  assert.equal((await fn.emulator.shutdown())!.exitCode, 0);
  assert.deepEqual(fn.otlp.spans, []);
});
