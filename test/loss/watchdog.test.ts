// The event loop is blocked, and somebody still tells of the invocation that runs out of time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const TIMEOUT_MS = 2000;

/** `block` runs inside a function of that name; the event says after how long. */
const startBlocking = (block: string, options: Partial<FunctionOptions> = {}): Promise<FunctionUnderTest> =>
  startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const tracer = trace.getTracer('test');
        const block = () => { ${block} };
        exports.handler = async ({ waitMs, isQuick, isDry }) => {
          if (isDry) return new Promise(() => {});
          if (isQuick) return 'quick';
          const span = tracer.startSpan('the open one');
          if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
          block();
          span.end();
          return 'done';
        };`,
    },
    packages: ['@opentelemetry/api'],
    memoryMb: 512,
    timeoutMs: TIMEOUT_MS,
    ...options,
  });

const names = (documents: readonly XrayDocument[]): string[] =>
  documents.flatMap((document) => [document.name, ...names(document.subsegments ?? [])]);

const inProgress = (fn: FunctionUnderTest): XrayDocument[] =>
  fn.xray.documents.filter((one) => one.in_progress === true);

const markers = (fn: FunctionUnderTest) => fn.otlp.spans.filter(({ name }) => name === 'Timeout imminent');

/** After a quarter of its time the watchdog is awake. */
const LATER = { waitMs: TIMEOUT_MS / 2 };

for (const [what, block, line] of [
  ['a loop', 'for (;;) {}', 3],
  ['a regular expression', '/^(a+)+$/.test("a".repeat(60) + "b");', 3],
] as const) {
  test(`${what} that never ends: X-Ray and OTLP are told in time, with the stack of the main thread`, async () => {
    await using fn = await startBlocking(block);
    await fn.invoke({ isQuick: true });
    const result = await fn.invoke(LATER);
    assert.equal(result.status, 'timeout');

    const [marker, ...others] = markers(fn);
    assert.deepEqual(others, []);
    const { flat } = marker!;
    assert.equal(flat['faas.invocation_id'], result.requestId);
    assert.equal(flat['lambda.event_loop.blocked'], true);
    assert.deepEqual(flat['spanstrap.open_spans'], ['the open one']);
    const stack = String(flat['code.stacktrace']).split('\n');
    assert.match(stack[0]!, new RegExp(`at block \\(${fn.taskRoot}/index\\.js:${line}:\\d+\\)`));
    assert.match(stack[1]!, /at exports\.handler|at handler/);
    assert.ok(!stack.some((line) => line.includes('/spanstrap/')), 'nothing of the layer’s own');

    const open = inProgress(fn);
    assert.deepEqual(names(open), ['Invocation', 'the open one']);
    assert.match(JSON.stringify(open[0]), /at block \(/);

    // The next process closes what this one left open, under the same ids.
    await fn.invoke({ isQuick: true });
    const dead = fn.otlp.spans.filter((span) => span.flat['spanstrap.process_end'] === 'timeout');
    assert.deepEqual(dead.map(({ name }) => name).sort(), ['Invocation', 'test-function']);
    for (const span of dead) assert.match(String(span.flat['code.stacktrace']), /at block \(/);
    const closed = fn.xray.documents.filter(({ id, in_progress }) => id === open[0]!.id && in_progress !== true);
    assert.equal(closed.length, 1);
    assert.equal(closed[0]!.fault, true);
    const ids = fn.otlp.spans.map(({ spanId }) => spanId);
    assert.equal(new Set(ids).size, ids.length, 'no span twice');
  });
}

test('one long call of native code has no stack to show, and is told of all the same', async () => {
  await using fn = await startBlocking("require('node:crypto').pbkdf2Sync('a', 'b', 1e8, 64, 'sha512');");
  await fn.invoke({ isQuick: true });
  assert.equal((await fn.invoke(LATER)).status, 'timeout');
  const { flat } = markers(fn)[0]!;
  assert.deepEqual([flat['lambda.event_loop.blocked'], 'code.stacktrace' in flat], [true, false]);
  assert.deepEqual(names(inProgress(fn)), ['Invocation', 'the open one']);
});

test('a handler that comes to its end after all: its answer is its own, and only the marker stays beside its spans', async () => {
  await using fn = await startBlocking('const end = Date.now() + 800; while (Date.now() < end);');
  await fn.invoke({ isQuick: true });
  for (const _ of [1, 2]) {
    fn.otlp.clear();
    const before = fn.xray.documents.length;
    const result = await fn.invoke(LATER);
    assert.deepEqual([result.status, result.text], ['success', '"done"']);
    const spans = fn.otlp.spans.filter(({ name }) => !name.startsWith('index') && name !== 'Timeout imminent');
    assert.deepEqual(spans.map(({ name }) => name).sort(), ['Invocation', 'Overhead', 'test-function', 'the open one']);
    assert.equal(markers(fn).length, 1);
    assert.ok(spans.every((span) => !('spanstrap.unfinished' in span.flat)));
    const documents = fn.xray.documents.slice(before).filter(({ name }) => name === 'Invocation');
    assert.deepEqual(
      documents.map(({ in_progress }) => in_progress === true),
      [true, false],
    );
    assert.equal(documents[0]!.id, documents[1]!.id);
  }
  // What the thread has sent is in the books, and the process ends when it is told to.
  assert.equal((await fn.emulator.shutdown())!.exitCode, 0);
  assert.ok(!fn.emulator.logs.some((line) => line.includes('dropped')));
});

test('quick invocations after a long one are left alone; an empty event loop is still noticed', async () => {
  await using fn = await startBlocking('');
  await fn.invoke(LATER);
  for (const _ of [1, 2, 3]) assert.equal((await fn.invoke({ isQuick: true })).text, '"quick"');
  assert.deepEqual([markers(fn), inProgress(fn)], [[], []]);
  assert.match((await fn.invoke({ isDry: true })).text, /Runtime\.NodeJsExit/);
});

test('an event loop that is blocked from the first moment: the next process of the environment is prepared', async () => {
  await using fn = await startBlocking('for (;;) {}');
  for (const _ of [1, 2]) assert.equal((await fn.invoke({ waitMs: 0 })).status, 'timeout');
  const [marker, ...others] = markers(fn);
  assert.deepEqual(others, []);
  assert.match(String(marker?.flat['code.stacktrace']), /at block \(/);
});

test('SPANSTRAP_WATCHDOG=on: also below 256 MB, and from the first moment of the second invocation on', async () => {
  await using fn = await startBlocking('for (;;) {}', { memoryMb: 128, environment: { SPANSTRAP_WATCHDOG: 'on' } });
  await fn.invoke({ isQuick: true });
  assert.equal((await fn.invoke({ waitMs: 0 })).status, 'timeout');
  assert.match(String(markers(fn)[0]?.flat['code.stacktrace']), /at block \(/);
});

test('SPANSTRAP_WATCHDOG=on with provisioned concurrency: there before the first invocation', async () => {
  await using fn = await startBlocking('for (;;) {}', {
    initializationType: 'provisioned-concurrency',
    environment: { SPANSTRAP_WATCHDOG: 'on' },
  });
  assert.equal((await fn.invoke({ waitMs: 0 })).status, 'timeout');
  assert.match(String(markers(fn)[0]?.flat['code.stacktrace']), /at block \(/);
});

for (const [why, options] of [
  ['below 256 MB', { memoryMb: 255 }],
  ['with SPANSTRAP_WATCHDOG=off', { environment: { SPANSTRAP_WATCHDOG: 'off' } }],
  ['without a spool', { environment: { SPANSTRAP_SPOOL_FOLDER: 'off' } }],
] as const) {
  test(`no watchdog ${why}: no thread`, async () => {
    await using fn = await startFunction({
      files: {
        'index.mjs': `import { readdirSync } from 'node:fs';
          const names = () => readdirSync('/proc/self/task').length;
          export const handler = async ({ waitMs }) => {
            const before = names();
            await new Promise((resolve) => setTimeout(resolve, waitMs));
            return names() - before;
          };`,
      },
      memoryMb: 512,
      timeoutMs: TIMEOUT_MS,
      ...options,
    });
    assert.equal((await fn.invoke({ waitMs: 1 })).text, '0');
    assert.equal((await fn.invoke(LATER)).text, '0');
  });
}

test('nothing is started for short invocations; a long one gets a thread', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { readdirSync } from 'node:fs';
        const names = () => readdirSync('/proc/self/task').length;
        export const handler = async ({ waitMs }) => {
          await new Promise((resolve) => setTimeout(resolve, waitMs));
          return names();
        };`,
    },
    memoryMb: 512,
    timeoutMs: TIMEOUT_MS,
  });
  const threads = async (waitMs: number): Promise<number> => Number((await fn.invoke({ waitMs })).text);
  const few = await threads(1);
  for (const _ of [1, 2, 3]) assert.equal(await threads(1), few);
  assert.ok((await threads(TIMEOUT_MS / 2)) > few);
});
