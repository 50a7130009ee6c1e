import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from '../../runtime/api/runtime-api.ts';
import { pollCount, pollWithRetry } from '../../runtime/concurrent-polling.ts';

test('as many polls as AWS_LAMBDA_MAX_CONCURRENCY says; anything else counts as Lambda’s default', () => {
  assert.equal(pollCount('1'), 1);
  assert.equal(pollCount('12'), 12);
  for (const text of ['', '0', '-3', '2.5', 'many', 'Infinity', '1e400']) assert.equal(pollCount(text), 64, text);
});

/** An API whose polls fail so many times. */
function failingApi(failures: number): { polls: () => number; next: () => Promise<Delivery> } {
  let polls = 0;
  return {
    polls: () => polls,
    next: async () => {
      if (++polls <= failures) throw new Error(`failure ${polls}`);
      return 'delivery' as unknown as Delivery;
    },
  };
}

test('a poll that fails is tried again, from 100 ms to 90 s, 15 minutes in all, and each failure is told', async () => {
  const api = failingApi(19);
  const delays: number[] = [];
  const lines: string[] = [];
  const sleep = async (delayMs: number): Promise<void> => void delays.push(delayMs);
  assert.equal(await pollWithRetry(api, { report: (text) => lines.push(text), sleep }), 'delivery');
  assert.equal(api.polls(), 20);
  assert.deepEqual(delays.slice(0, 4), [100, 200, 400, 800]);
  assert.equal(Math.max(...delays), 90_000);
  const minutes = delays.reduce((sum, delay) => sum + delay, 0) / 60_000;
  assert.ok(minutes > 15 && minutes < 16, `${minutes}`);
  assert.equal(lines[0], 'Error: failure 1; attempt 1 of 20, the next one in 100 ms');
  assert.equal(lines.length, 19);
});

test('the twentieth failure is thrown', async () => {
  const api = failingApi(20);
  await assert.rejects(pollWithRetry(api, { report() {}, sleep: async () => {} }), { message: 'failure 20' });
  assert.equal(api.polls(), 20);
});
