// When an invocation is looked into, and from which event.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, spanOf } from '../../instrumentation/active-context.ts';
import type { ArrivedInvocation } from '../../instrumentation/arrived-invocation.ts';
import type { Sampler } from '../../instrumentation/sampler.ts';
import type { Invocation } from '../../runtime/lifecycle.ts';
import {
  httpEvent,
  idOf,
  named,
  OTHER_TRACE,
  RecordingStand,
  SAMPLED,
  TRACEPARENT,
  UNSAMPLED,
} from './recording-stand.ts';

/** Begins an invocation and counts how often its event is read again. */
function arrive(
  stand: RecordingStand,
  event: unknown = httpEvent(),
  changes: Partial<Invocation> = {},
): { arrived: ArrivedInvocation; reads: () => number; finish(): void } {
  const text = JSON.stringify(event);
  let reads = 0;
  const arrived = stand.recorder.begin(stand.invocation(changes), event, () => {
    reads++;
    return JSON.parse(text);
  });
  return {
    arrived,
    reads: () => reads,
    finish() {
      arrived.handlerSettled({ ok: true, at: stand.start + 40, result: null, isStreamed: false });
      arrived.answered({ at: stand.start + 50, bodyBytes: 4, status: 202, serializedAt: stand.start + 45 });
    },
  };
}

test('nobody asks: it is looked into after the response, from the event as it came', async () => {
  const stand = new RecordingStand();
  const event = httpEvent({ traceparent: TRACEPARENT }) as { routeKey: string; headers: Record<string, string> };
  const { arrived, reads, finish } = arrive(stand, event);
  arrived.run(() => {
    event.routeKey = 'changed by the handler';
    event.headers = {};
  });
  finish();
  assert.deepEqual([reads(), arrived.decided], [0, undefined]);
  const server = named(await stand.flush(), 'GET /orders/{id}');
  assert.equal(server.spanContext().traceId, OTHER_TRACE);
  assert.equal(reads(), 1);
});

test('who looks at the active span during the handler gets the one that leaves', async () => {
  const stand = new RecordingStand();
  const { arrived, reads, finish } = arrive(stand);
  const { traceHeader } = arrived;
  const seen = arrived.run(() => [spanOf(stand.active.active()), spanOf(stand.active.active())]);
  assert.equal(reads(), 1);
  finish();
  const invocation = named(await stand.flush(), 'Invocation');
  assert.deepEqual(seen, [invocation, invocation]);
  assert.equal(idOf(invocation), arrived.invocationSpanId);
  assert.equal(arrived.traceHeader, traceHeader, 'the header that user code got names the span that left');
});

for (const [what, options, changes] of [
  ['large events', {}, { eventBytes: 70_000 }],
  ['several invocations at once', { isConcurrent: true }, {}],
  ['warm-ups that nobody wants', { dropsWarmUps: true }, {}],
  ['no header that could stand in', {}, { traceHeader: undefined }],
] as const) {
  test(`looked into at once, from the event that the handler gets: ${what}`, () => {
    const stand = new RecordingStand(options);
    const { arrived, reads } = arrive(stand, httpEvent(), changes);
    assert.deepEqual([arrived.decided?.isRecorded, reads()], [true, 0]);
  });
}

test('a context extractor of the user’s is asked before the handler', () => {
  const stand = new RecordingStand();
  const events: unknown[] = [];
  stand.recorder.useExtractor((event) => void events.push(event));
  const event = httpEvent();
  arrive(stand, event);
  assert.equal(events[0], event);
});

test('what nobody wants is never read', async () => {
  const stand = new RecordingStand({ hasOtlp: false });
  const { arrived, reads, finish } = arrive(stand, httpEvent(), { traceHeader: UNSAMPLED });
  arrived.run(() => {});
  finish();
  await stand.recorder.flush('invocation', 5);
  assert.deepEqual([reads(), arrived.decided, stand.batches], [0, undefined, []]);
  assert.equal(arrived.takeEvent(), undefined, 'it is not kept for later');
  assert.deepEqual(
    [arrived.scope.isRecorded, arrived.traceHeader],
    [false, UNSAMPLED],
    'late calls go on with its header',
  );
});

test('it cannot be looked into: a fault, and its calls go on with the header', () => {
  const faults: unknown[] = [];
  const stand = new RecordingStand({
    fault: (error) => faults.push(error),
    openRecording: () => {
      throw new Error('the bundle is gone');
    },
  });
  const { arrived } = arrive(stand);
  const { scope } = arrived;
  assert.deepEqual([scope.isRecorded, scope.context, scope.xrayHeader], [false, ROOT_CONTEXT, SAMPLED]);
  assert.equal(arrived.scope, scope);
  assert.equal(
    arrived.run(() => 'result'),
    'result',
  );
  assert.deepEqual(
    faults.map((error) => (error as Error).message),
    ['the bundle is gone'],
  );
});

test('a sampler of the user’s own is asked once for each invocation', async () => {
  let asked = 0;
  const sampler: Sampler = { isSampled: () => ++asked > 0 };
  const stand = new RecordingStand();
  stand.recorder.configure({ sampler });
  const { finish } = arrive(stand);
  finish();
  await stand.flush();
  assert.equal(asked, 1);
});

test('user code that is asked on the way, and asks back where it is, does so once', async () => {
  let started = 0;
  const stand = new RecordingStand();
  stand.recorder.configure({
    spanStarted: () => {
      started++;
      assert.equal(spanOf(stand.active.active()), undefined);
      assert.equal(stand.recorder.here()?.isRecorded, false);
    },
  });
  const { arrived, reads, finish } = arrive(stand);
  arrived.run(() => assert.ok(spanOf(stand.active.active())));
  finish();
  await stand.flush();
  assert.deepEqual([started, reads()], [2, 1]);
});
