import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { subscribeLast } from '../../../instrumentation/outgoing/last-subscriber.ts';

test('is called after subscribers of before and of later, and once', () => {
  const calls: string[] = [];
  const it = channel('test:last-subscriber');
  it.subscribe(() => calls.push('before'));
  subscribeLast('test:last-subscriber', (message) => calls.push(`last ${message}`));
  const leaving = (): void => void calls.push('leaving');
  it.subscribe(() => calls.push('later'));
  channel('test:last-subscriber').subscribe(leaving);
  it.publish('first');
  assert.deepEqual(calls.splice(0), ['before', 'later', 'leaving', 'last first']);
  assert.equal(it.unsubscribe(leaving), true);
  it.publish('second');
  assert.deepEqual(calls, ['before', 'later', 'last second']);
});

test('a channel that has had nobody is like any other afterwards', () => {
  const calls: string[] = [];
  subscribeLast('test:last-subscriber-2', () => calls.push('last'));
  const it = channel('test:last-subscriber-2');
  const other = (): void => void calls.push('other');
  it.subscribe(other);
  it.unsubscribe(other);
  it.subscribe(other);
  it.publish(undefined);
  assert.deepEqual(calls, ['other', 'last']);
  assert.equal(it.hasSubscribers, true);
});
