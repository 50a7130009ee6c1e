import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { endProcess, guardProcess, type ProcessExit } from '../../bootstrap/process-guards.ts';
import type { FlushReason } from '../../runtime/lifecycle.ts';
import { settle } from '../support/conditions.ts';

/** A process that writes down how it ends; it goes on, as nothing else could be asserted. */
function stand({
  fail = async () => {},
  flush = async () => {},
}: {
  fail?: () => Promise<void>;
  flush?: () => Promise<void>;
} = {}) {
  const log: unknown[] = [];
  const process = Object.assign(new EventEmitter(), {
    exit: (code: number) => log.push(`exit ${code}`),
    abort: () => log.push('aborted'),
  }) as unknown as NodeJS.Process;
  const guards = {
    process,
    log: {
      logUncaughtException: (error: unknown) => log.push('uncaught', error),
      logUnhandledRejection: (error: unknown) => log.push('rejection', error),
    },
    fail: (error: unknown) => {
      log.push('fail', error);
      return fail();
    },
    flush: async (reason: FlushReason, deadlineEpochMs: number) => {
      const leftMs = deadlineEpochMs - Date.now();
      log.push(`flush ${reason} within ${Math.ceil(leftMs / 250) * 250} ms`);
      await flush();
      log.push('flushed');
    },
    exit: ({ how, exitCode }: ProcessExit) => log.push(`${how} ${exitCode ?? ''}`.trim()),
  };
  return { process, log, guards };
}

const failure = new RangeError('too far');

test('policy 2: an uncaught exception is logged, told, flushed, and ends the process with 129', async () => {
  const { process, log, guards } = stand();
  guardProcess(guards);
  process.emit('uncaughtException', failure);
  await settle();
  assert.deepEqual(log, ['uncaught', failure, 'fail', failure, 'flush crash within 500 ms', 'flushed', 'exit 129']);
});

test('policy 2, P71: a rejection that nobody caught ends it with 128, under the name of the managed runtimes', async () => {
  const { process, log, guards } = stand();
  guardProcess(guards);
  const promise = Promise.resolve();
  process.emit('unhandledRejection', failure, promise);
  await settle();
  const error = log[1] as Error & { reason: unknown; promise: unknown };
  assert.deepEqual(
    [error.name, error.message, error.reason, error.promise],
    ['Runtime.UnhandledPromiseRejection', 'RangeError: too far', failure, promise],
  );
  assert.deepEqual(log, ['rejection', error, 'fail', error, 'flush crash within 500 ms', 'flushed', 'exit 128']);
});

test('what goes wrong while the process ends already changes nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { process, log, guards } = stand({ fail: () => promise });
  guardProcess(guards);
  process.emit('uncaughtException', failure);
  process.emit('uncaughtException', new Error('second'));
  process.emit('unhandledRejection', new Error('third'), Promise.resolve());
  await settle();
  assert.deepEqual(log, ['uncaught', failure, 'fail', failure]);
  resolve();
  await settle();
  assert.equal(log.at(-1), 'exit 129');
  assert.equal(log.filter((line) => line === 'fail').length, 1);
});

test('SIGTERM: what is recorded is flushed, then the process ends in peace', async () => {
  const { process, log, guards } = stand();
  guardProcess(guards);
  process.emit('SIGTERM', 'SIGTERM');
  await settle();
  assert.deepEqual(log, ['flush shutdown within 250 ms', 'flushed', 'exit 0']);
});

test('SIGTERM: a listener of the user’s decides itself when the process ends', async () => {
  const { process, log, guards } = stand();
  guardProcess(guards);
  process.on('SIGTERM', () => log.push('user'));
  process.emit('SIGTERM', 'SIGTERM');
  await settle();
  assert.deepEqual(log, ['flush shutdown within 250 ms', 'user', 'flushed']);
});

test('SIGTERM during a crash: the crash has the say', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { process, log, guards } = stand({ fail: () => promise });
  guardProcess(guards);
  process.emit('uncaughtException', failure);
  process.emit('SIGTERM', 'SIGTERM');
  await settle();
  assert.ok(!log.some((line) => `${line}`.startsWith('exit')));
  resolve();
  await settle();
  assert.deepEqual(
    log.filter((line) => `${line}`.startsWith('exit')),
    ['exit 129'],
  );
});

test('a process that ends otherwise is flushed as well', async () => {
  const { process, log, guards } = stand();
  await endProcess(process, guards, 1);
  assert.deepEqual(log, ['flush crash within 500 ms', 'flushed', 'exit 1']);
});

test('the very end: whatever ends the process, its exit is told, and so is an abort', () => {
  const { process, log, guards } = stand();
  guardProcess(guards);
  process.emit('exit', 7);
  process.abort();
  assert.deepEqual(log, ['exit 7', 'abort', 'aborted']);
});

for (const [name, first, report] of [
  ['Node reports it', '', /^SyntaxError: Unexpected token '='$/m],
  ['somebody takes all exceptions', 'process.setUncaughtExceptionCaptureCallback(() => {});', /^$/],
] as const) {
  test(`a syntax error that only Node can place, ${name}: the process ends with 1`, () => {
    const guards = new URL('../../bootstrap/process-guards.ts', import.meta.url);
    const code = `${first}
      import { endProcess } from ${JSON.stringify(guards.href)};
      process.on('uncaughtException', () => {});
      const error = await import('data:text/javascript,const = = 1').catch((reason) => reason);
      await endProcess(process, { flush: async () => {} }, 1, error);`;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { timeout: 20_000 });
    assert.equal(child.status, 1);
    assert.match(child.stderr.toString(), report);
  });
}
