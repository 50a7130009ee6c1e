// Wall clocks that jump, as they do when a frozen machine is thawed or a virtual one gets its time corrected: no span becomes negative,
// and none lasts for hours.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ROOT_CONTEXT } from '../../instrumentation/active-context.ts';
import type { ArrivedInvocation } from '../../instrumentation/arrived-invocation.ts';
import { Clock } from '../../instrumentation/clock.ts';
import type { InvocationRecord } from '../../instrumentation/invocation-record.ts';
import { fc } from '../support/property.ts';
import { RecordingStand } from './recording-stand.ts';

const START_EPOCH_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const CLIENT = 2;

/** Clocks of the test's own: time passes when it says so, and the wall clock jumps when it says so. */
class Time {
  monotonicMs = 1000;
  wallMs = START_EPOCH_MS;
  readonly clock = new Clock({ monotonicNow: () => this.monotonicMs, wallNow: () => this.wallMs });

  pass(ms: number): void {
    this.monotonicMs += ms;
    this.wallMs += ms;
  }

  jump(ms: number): void {
    this.wallMs += ms;
  }
}

const millis = ([seconds, nanos]: readonly [number, number]): number => seconds * 1e3 + nanos / 1e6;

function assertSane(spans: readonly ReadableSpan[], mostMs: number): void {
  for (const { name, startTime, endTime, duration } of spans) {
    const lasted = millis(endTime) - millis(startTime);
    assert.ok(lasted >= -0.001 && lasted <= mostMs + 0.001, `${name} lasts ${lasted} ms of ${mostMs}`);
    assert.ok(Math.abs(millis(duration) - lasted) < 0.01, `${name}: duration and times agree`);
  }
}

test('invocations one after the other, with a call that outlives its own, and jumps anywhere', async () => {
  const jump = fc.integer({ min: -5 * HOUR_MS, max: 5 * HOUR_MS });
  const run = async (jumps: readonly number[]): Promise<void> => {
    const time = new Time();
    const stand = new RecordingStand({ clock: time.clock });
    stand.init();
    const begunAt = time.monotonicMs;
    const spans: ReadableSpan[] = [];
    for (const [index, ms] of jumps.entries()) {
      const received = { requestId: `r-${index}`, receivedAt: time.clock.now(), deadlineEpochMs: time.wallMs + 3000 };
      const arrived = stand.begin(stand.invocation(received), {});
      const record = arrived.scope as InvocationRecord;
      const options = { name: 'GET', kind: CLIENT, attributes: {}, context: ROOT_CONTEXT } as const;
      const [quick, late] = [0, 1].map(() => record.startCall({ ...options, startedAt: time.clock.now() }));
      time.pass(10);
      if (index % 2 === 0) time.jump(ms);
      record.endCall(quick!, time.clock.now());
      time.pass(10);
      arrived.handlerSettled({ ok: true, at: time.clock.now(), result: null, isStreamed: false });
      arrived.answered({ at: time.clock.now(), bodyBytes: 4, status: 202, serializedAt: time.clock.now() });
      time.pass(5);
      await stand.recorder.flush('invocation', 5);
      if (index % 2 === 1) time.jump(ms);
      time.clock.anchor();
      time.pass(5);
      record.endCall(late!, time.clock.now());
    }
    spans.push(...stand.batches.flatMap((batch) => [...batch.spans]));
    assert.ok(spans.length >= jumps.length * 5);
    // The init began 200 ms before the first invocation.
    assertSane(spans, time.monotonicMs - begunAt + 200);
  };
  await fc.assert(fc.asyncProperty(fc.array(jump, { minLength: 1, maxLength: 6 }), run), { numRuns: 50 });
});

test('several invocations at once: each begin follows the wall clock, and the spans of the others stay as long as they are', async () => {
  const time = new Time();
  const stand = new RecordingStand({ clock: time.clock, isConcurrent: true });
  const begin = (): ArrivedInvocation =>
    stand.begin(stand.invocation({ receivedAt: time.clock.now(), deadlineEpochMs: time.wallMs + 3000 }), {});
  const first = begin();
  time.pass(20);
  time.jump(-HOUR_MS);
  const second = begin();
  time.pass(20);
  for (const arrived of [first, second]) {
    arrived.handlerSettled({ ok: true, at: time.clock.now(), result: null, isStreamed: false });
    arrived.answered({ at: time.clock.now(), bodyBytes: 4, status: 202, serializedAt: time.clock.now() });
  }
  await stand.recorder.flush('invocation', 5);
  const spans = stand.batches.flatMap((batch) => [...batch.spans]);
  assertSane(spans, 40);
  const lasted = spans.filter(({ name }) => name === 'Invocation').map(({ duration }) => Math.round(millis(duration)));
  assert.deepEqual(lasted, [40, 20]);
});
