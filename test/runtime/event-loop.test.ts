import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { describeResources, watchEventLoop } from '../../runtime/event-loop.ts';

const fakeProcess = (resources: readonly string[] = []): NodeJS.Process =>
  Object.assign(new EventEmitter(), { getActiveResourcesInfo: () => resources }) as unknown as NodeJS.Process;

test('whoever waits is called once when the event loop has run dry', () => {
  const process = fakeProcess();
  const whenIdle = watchEventLoop(process);
  const calls: string[] = [];
  whenIdle(() => calls.push('a'));
  whenIdle(() => calls.push('b'));
  process.emit('beforeExit', 0);
  process.emit('beforeExit', 0);
  assert.deepEqual(calls, ['a', 'b']);
  assert.equal(process.listenerCount('beforeExit'), 1, 'one listener serves all');
});

test('a wait can be taken back, before and after', () => {
  const process = fakeProcess();
  const whenIdle = watchEventLoop(process);
  const calls: string[] = [];
  const forget = whenIdle(() => calls.push('a'));
  whenIdle(() => calls.push('b'));
  forget();
  process.emit('beforeExit', 0);
  forget();
  assert.deepEqual(calls, ['b']);
});

test('who begins to wait while others are called waits for the next time', () => {
  const process = fakeProcess();
  const whenIdle = watchEventLoop(process);
  const calls: string[] = [];
  whenIdle(() => {
    calls.push('first');
    whenIdle(() => calls.push('second'));
  });
  process.emit('beforeExit', 0);
  assert.deepEqual(calls, ['first']);
  process.emit('beforeExit', 0);
  assert.deepEqual(calls, ['first', 'second']);
});

test('what is still open is counted by kind; nothing gives no text', () => {
  assert.equal(describeResources(fakeProcess()), '');
  assert.equal(
    describeResources(fakeProcess(['Timeout', 'TCPSocketWrap', 'Timeout'])),
    '(still open, but not waited for: 2 Timeout, TCPSocketWrap)',
  );
});
