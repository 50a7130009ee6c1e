// A platform that misbehaves on order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../../../local/emulator/faults.ts';
import { api, requestIdOf, startFixture, startHandDriven } from './api-client.ts';

test('a fault hits the calls it is for, after and for as many as it says', () => {
  const faults = new Faults([{ api: 'next', after: 1, times: 2, close: true }]);
  const hits = [1, 2, 3, 4].map(() => faults.strike('next') !== undefined);
  assert.deepEqual(hits, [false, true, true, false]);
  assert.equal(faults.strike('response'), undefined);
  faults.add({ api: 'response', answer: { status: 500 } });
  assert.equal(faults.strike('response')?.answer?.status, 500);
  faults.clear();
  assert.equal(faults.strike('response'), undefined);
});

test('next answers with nonsense', async () => {
  await using emulator = await startFixture({
    faults: [{ api: 'next', times: 2, answer: { status: 500, body: 'garbage' } }],
  });
  const { status, text } = await emulator.invoke({});
  assert.equal(status, 'crash');
  assert.match(text, /exit status 4/);
  assert.ok(emulator.logs.includes('next: 500 garbage'));
});

test('registration refused: the state machine never hears of it', async () => {
  const refused = { status: 403, body: '{"errorType":"Extension.TooManyExtensions"}' };
  await using emulator = await startFixture({ init: 'noop', faults: [{ api: 'register', answer: refused }] });
  const { status } = await emulator.invoke(1);
  assert.equal(status, 'success');
  assert.deepEqual(emulator.state?.extensions, []);
  assert.ok(emulator.logs.some((line) => line.startsWith('register noop: 403')));
});

test('an answer that the platform takes, but acknowledges wrongly', async () => {
  await using emulator = await startHandDriven({
    faults: [{ api: 'response', applied: true, answer: { status: 413, body: '{}' } }],
  });
  const polling = api.next(emulator);
  const invoking = emulator.invoke({});
  const answer = await api.response(emulator, requestIdOf(await polling), '"taken"');
  assert.equal(answer.status, 413);
  assert.equal((await invoking).text, '"taken"');
});

test('a connection that closes, and bytes that are no HTTP', async () => {
  await using emulator = await startHandDriven({
    faults: [
      { api: 'next', times: 1, close: true },
      { api: 'next', after: 1, times: 1, raw: 'SSH-2.0-OpenSSH\r\n' },
    ],
  });
  void emulator.init().catch(() => {});
  await assert.rejects(api.next(emulator), { code: 'ECONNRESET' });
  await assert.rejects(api.next(emulator), { code: 'HPE_INVALID_CONSTANT' });
});

test('an answer that waits', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await using emulator = await startHandDriven({ faults: [{ api: 'response', hold: gate }] });
  const polling = api.next(emulator);
  const invoking = emulator.invoke({});
  const answering = api.response(emulator, requestIdOf(await polling), '1');
  await emulator.waitFor(() => emulator.transcript.some(({ api: name }) => name === 'response'), { what: 'the POST' });
  assert.equal(emulator.state?.runtime, 'Running');
  open();
  assert.equal((await answering).status, 202);
  assert.equal((await invoking).text, '1');
});

test('answers cut into single bytes still are the same answers', async () => {
  await using emulator = await startFixture({ init: 'extension', splitAnswers: () => [1] });
  for (const event of [{ a: 'ü'.repeat(50) }, { b: 2 }]) assert.deepEqual((await emulator.invoke(event)).json(), event);
});

test('pieces follow the plan, the last size repeated', async () => {
  const seen: number[] = [];
  await using emulator = await startFixture({
    splitAnswers: (bytes) => {
      seen.push(bytes.length);
      return [3, 7, 1000];
    },
  });
  const event = { text: 'x'.repeat(5000) };
  assert.deepEqual((await emulator.invoke(event)).json(), event);
  assert.ok(seen.some((length) => length > 5000));
});
