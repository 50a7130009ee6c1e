// Which invocation a span of user code belongs to, and when it leaves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanOf } from '../../instrumentation/active-context.ts';
import { named, RecordingStand, TRACE_ID, UNSAMPLED } from './recording-stand.ts';
import { buildSpan } from './span-builder.ts';

test('an invocation that was never answered stays; its spans leave when it is', async () => {
  const stand = new RecordingStand();
  const observation = stand.begin(stand.invocation({ deadlineEpochMs: Date.now() + 60_000 }), {});
  await stand.recorder.flush('shutdown', 5);
  assert.deepEqual(stand.batches, []);
  observation.answered({ at: stand.start + 1, bodyBytes: 0, status: undefined, serializedAt: stand.start });
  assert.equal((await stand.flush()).length, 3);
});

test('user spans that end before the flush leave with their invocation', async () => {
  const stand = new RecordingStand();
  const span = buildSpan({ name: 'user' });
  stand.invoke({
    handler: () => {
      stand.recorder.spanStarted(span);
      stand.recorder.spanEnded(span);
    },
  });
  assert.deepEqual(
    (await stand.flush()).map(({ name }) => name),
    ['orders', 'Invocation', 'user', 'Overhead'],
  );
});

test('a span that ends after its invocation has left follows in a batch of its own, placed like the others', async () => {
  const stand = new RecordingStand();
  const late = buildSpan({ name: 'late' });
  stand.invoke({ handler: () => stand.recorder.spanStarted(late) });
  await stand.recorder.flush('invocation', 5);
  const [first] = stand.batches.splice(0);
  // Meanwhile the next invocation runs: the span belongs to the one that started it.
  stand.invoke({ requestId: 'r-2', traceHeader: UNSAMPLED, handler: () => stand.recorder.spanEnded(late) });
  const [second] = stand.batches.splice(0);
  assert.deepEqual(second, { ...first, spans: [late] });
});

test('a span that starts where nobody knows belongs to the latest invocation, unless several run at once', async () => {
  for (const isConcurrent of [false, true]) {
    const stand = new RecordingStand({ isConcurrent });
    stand.invoke();
    const stray = buildSpan({ name: 'stray' });
    assert.equal(stand.recorder.owner() !== undefined, !isConcurrent);
    stand.recorder.spanStarted(stray);
    stand.recorder.spanEnded(stray);
    assert.equal((await stand.flush()).includes(stray), !isConcurrent);
  }
});

test('concurrent invocations: every span goes to the one it was started in', async () => {
  const stand = new RecordingStand({ isConcurrent: true });
  const ids = ['r-1', 'r-2', 'r-3'];
  const observations = ids.map((requestId) => stand.begin(stand.invocation({ requestId }), {}));
  const work = observations.map((observation, at) =>
    observation.run(async () => {
      const span = buildSpan({ name: `user ${ids[at]}` });
      await new Promise((resolve) => setImmediate(resolve));
      stand.recorder.spanStarted(span);
      await new Promise((resolve) => setImmediate(resolve));
      stand.recorder.spanEnded(span);
    }),
  );
  await Promise.all(work);
  for (const observation of observations.toReversed()) {
    observation.answered({ at: stand.start + 5, bodyBytes: 0, status: 202, serializedAt: stand.start });
  }
  await stand.recorder.flush('invocation', 5);
  assert.deepEqual(
    stand.batches.map(({ spans }) => [
      named(spans, 'orders').attributes['faas.invocation_id'],
      spans.filter(({ name }) => name.startsWith('user')).map(({ name }) => name),
    ]),
    ids.toReversed().map((id) => [id, [`user ${id}`]]),
  );
});

test('several answered invocations leave in one flush, each in its batch', async () => {
  const stand = new RecordingStand();
  stand.invoke();
  stand.invoke({ requestId: 'r-2' });
  await stand.recorder.flush('invocation', 5);
  assert.equal(stand.batches.length, 2);
  await stand.recorder.flush('invocation', 5);
  assert.equal(stand.batches.length, 2);
});

test('the handler runs in the async context of its invocation, and its result and errors pass through', async () => {
  const stand = new RecordingStand();
  const observation = stand.begin(stand.invocation(), {});
  const seen = await observation.run(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return [stand.active.owner(), spanOf(stand.active.active())?.spanContext().traceId];
  });
  assert.deepEqual(seen, [observation, TRACE_ID]);
  assert.throws(
    () =>
      observation.run(() => {
        throw new RangeError('mine');
      }),
    RangeError,
  );
});

test('a span of an invocation that is not recorded does not go to the recorded one before it', async () => {
  const stand = new RecordingStand({ hasOtlp: false });
  stand.invoke();
  await stand.flush();
  const unrecorded = buildSpan({ name: 'unrecorded' });
  stand.invoke({
    requestId: 'r-2',
    traceHeader: undefined,
    handler: () => {
      assert.equal(stand.recorder.owner(), undefined);
      stand.recorder.spanStarted(unrecorded);
    },
  });
  stand.recorder.spanEnded(unrecorded);
  await stand.recorder.flush('invocation', 5);
  assert.deepEqual(stand.batches, []);
});
