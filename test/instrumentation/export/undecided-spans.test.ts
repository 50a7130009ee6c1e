// What waits for the end of its invocation: held, kept or forgotten, and exact in the books whatever comes in whatever order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanBatch } from '../../../instrumentation/export/exporter.ts';
import { NOT_KEPT_BEFORE, UndecidedSpans } from '../../../instrumentation/export/undecided-spans.ts';
import { closeInvocation, takeEnded } from '../../../instrumentation/invocation-end.ts';
import type { InvocationRecord } from '../../../instrumentation/invocation-record.ts';
import type { KeepRules } from '../../../instrumentation/keep-rules.ts';
import { createSampler } from '../../../instrumentation/sampler.ts';
import { SpanAccount } from '../../../instrumentation/span-account.ts';
import { newSpanCounts } from '../../../instrumentation/span-counts.ts';
import { fc } from '../../support/property.ts';
import { named, RecordingStand, SAMPLED, UNSAMPLED } from '../recording-stand.ts';
import { buildSpan } from '../span-builder.ts';

const ERROR = 2;
const ERRORS: KeepRules = { errors: true, cold: false, slowMs: undefined };
const SLOW: KeepRules = { errors: false, cold: false, slowMs: 1000 };
const COLD: KeepRules = { errors: false, cold: true, slowMs: undefined };

/** A recorder whose sampler wants nothing, and what decides in its place. */
class KeepingStand {
  readonly counts = newSpanCounts();
  readonly account = new SpanAccount('otlp', this.counts.otlp);
  readonly sent: SpanBatch[] = [];
  readonly stand: RecordingStand;
  readonly undecided: UndecidedSpans;
  clockMs = 0;

  constructor(keep: KeepRules, maxSpans = 1000, sampler = createSampler('always_off', 1)) {
    const { counts, account } = this;
    this.stand = new RecordingStand({ counts, keep, sampler });
    const { clock } = this.stand;
    this.undecided = new UndecidedSpans({
      account,
      maxSpans,
      maxBytes: 1e9,
      deadlineMarginMs: undefined,
      clock: { now: () => this.stand.start + this.clockMs, epochMs: (at) => clock.epochMs(at) },
      add: (batch) => this.sent.push(batch),
    });
  }

  begin(traceHeader = UNSAMPLED): InvocationRecord {
    const { stand } = this;
    const deadlineEpochMs = stand.clock.epochMs(stand.start) + 10_000;
    const arrived = stand.begin(stand.invocation({ deadlineEpochMs, traceHeader }), {});
    return arrived.scope as InvocationRecord;
  }

  /** Spans of the function's own that begin, and end unless they are said not to. */
  spans(record: InvocationRecord, count: number, areEnded = true): void {
    for (let n = 0; n < count; n++) {
      const span = buildSpan();
      record.spanStarted(span);
      if (areEnded) record.spanEnded(span);
    }
  }

  /** What a delivery does with what has ended. */
  handOver(record: InvocationRecord): void {
    this.undecided.look(record);
    const batch = takeEnded(record);
    if (record.isUndecided && batch.spans.length > 0) this.undecided.hold(batch);
    if (batch.isSampledForOtlp) this.sent.push(batch);
  }

  end(record: InvocationRecord, { isFailed = false, tookMs = 10 } = {}): void {
    if (isFailed) record.phases.server.setStatus({ code: ERROR });
    const at = this.stand.start + tookMs;
    const scope = {
      ...this.stand.scope,
      describeTracer: () => {},
      fault: (error: unknown) => assert.fail(error as Error),
      initOwnMs: () => 0,
      ended: (ended: InvocationRecord) => this.undecided.end(ended),
    };
    const batch = closeInvocation(record, scope, at, 0);
    if (batch.isSampledForOtlp) this.sent.push(batch);
  }

  get sentSpans(): number {
    return this.sent.reduce((sum, { spans }) => sum + spans.length, 0);
  }
}

test('F172: what waits leaves when its invocation fails, before the phases, once', () => {
  const at = new KeepingStand(ERRORS);
  const record = at.begin();
  at.spans(record, 3);
  at.handOver(record);
  assert.equal(at.sentSpans, 0);
  assert.equal(at.counts.otlp.begun, 5, 'they count: if the process is killed now it is kept');
  at.spans(record, 2);
  at.end(record, { isFailed: true });
  assert.deepEqual(
    at.sent.map(({ spans, isRunning, invocation }) => [spans.length, isRunning, invocation === record]),
    [
      [3, true, true],
      [5, undefined, true],
    ],
  );
  assert.equal(at.counts.otlp.begun, 8);
  assert.equal(record.phases.server.attributes['spanstrap.kept_because'], 'errors');
});

test('F172: what is not kept is in no books, nor what ends after it', () => {
  const at = new KeepingStand(ERRORS);
  const record = at.begin();
  const late = buildSpan();
  record.spanStarted(late);
  at.spans(record, 3);
  at.handOver(record);
  at.end(record);
  assert.deepEqual([at.sentSpans, at.counts.otlp.begun, record.isSampledForOtlp], [0, 0, false]);
  record.spanEnded(late);
  at.spans(record, 1);
  assert.equal(at.counts.otlp.begun, 0);
  assert.equal(record.phases.server.attributes['spanstrap.kept_because'], undefined);
});

test('F172: slow as soon as its time is over; from then on it is as if the sampler wanted it', () => {
  const at = new KeepingStand(SLOW);
  const record = at.begin();
  at.spans(record, 3);
  at.spans(record, 1, false);
  at.clockMs = 990;
  at.handOver(record);
  assert.deepEqual([at.sentSpans, at.counts.otlp.begun], [0, 0], 'without `errors` a killed one is not wanted');
  at.clockMs = 1001;
  at.spans(record, 2);
  at.handOver(record);
  assert.deepEqual([at.sentSpans, at.counts.otlp.begun], [5, 8], 'six of the function, and two phases');
  at.end(record, { tookMs: 1002 });
  assert.equal(at.sentSpans, 8, 'one is open; there is an Overhead');
  assert.equal(at.counts.otlp.begun, 9);
});

test('F172: a failure while it runs is not its last word', () => {
  const at = new KeepingStand(ERRORS);
  const record = at.begin();
  record.phases.handler.setStatus({ code: ERROR });
  at.handOver(record);
  assert.equal(record.isUndecided, true);
  record.phases.handler.setStatus({ code: 1 });
  at.end(record);
  assert.equal(record.isSampledForOtlp, false);
});

test('F172: near the deadline, whatever comes then', () => {
  const at = new KeepingStand(ERRORS);
  const record = at.begin();
  at.clockMs = 8990;
  at.undecided.look(record);
  assert.equal(record.isUndecided, true);
  at.clockMs = 9001;
  at.undecided.look(record);
  assert.deepEqual([record.isSampledForOtlp, record.keptBecause], [true, 'deadline']);
  at.end(record, { tookMs: 9500 });
  assert.equal(record.phases.server.attributes['spanstrap.kept_because'], 'deadline');
  const failed = at.begin();
  at.clockMs = 9001;
  at.undecided.look(failed);
  at.end(failed, { tookMs: 9500, isFailed: true });
  assert.equal(failed.phases.server.attributes['spanstrap.kept_because'], 'errors', 'the table’s order at the end');
});

test('F172: a cold start waits for nothing, and says sampled=0', () => {
  const at = new KeepingStand(COLD);
  at.stand.init();
  const record = at.begin();
  assert.deepEqual([record.isUndecided, record.isSampledForOtlp, record.otlpIfKilled], [false, true, 'cold']);
  assert.equal(record.phases.server.spanContext().traceFlags, 0);
  at.end(record);
  assert.equal(
    named(
      at.sent.flatMap(({ spans }) => spans),
      'Initialization',
    ).ended,
    true,
  );
  assert.equal(record.phases.server.attributes['spanstrap.kept_because'], 'cold');
  const second = at.begin();
  assert.equal(second.isUndecided, true);
  at.end(second, { isFailed: true });
  assert.equal(second.isSampledForOtlp, false);
});

test('F172: what stands in the flight recorder of it', () => {
  for (const [keep, expected] of [
    [ERRORS, 'errors'],
    [SLOW, false],
    [COLD, false],
  ] as const) {
    const at = new KeepingStand(keep);
    at.begin();
    assert.equal(at.begin().otlpIfKilled, expected);
  }
  assert.equal(new KeepingStand(ERRORS, 10, createSampler('always_on', 1)).begin().otlpIfKilled, true);
});

test('F172: how many were not kept since the last that was sent, by whoever’s word', () => {
  const at = new KeepingStand(ERRORS, 10, { isSampled: (_trace, _parent, isXraySampled) => isXraySampled === true });
  const counted = (traceHeader: string, isFailed: boolean): unknown => {
    const record = at.begin(traceHeader);
    at.end(record, { isFailed });
    return record.phases.server.attributes[NOT_KEPT_BEFORE];
  };
  const seen = [UNSAMPLED, UNSAMPLED, SAMPLED, SAMPLED, UNSAMPLED].map((header) => counted(header, false));
  assert.deepEqual(seen, [undefined, undefined, 2, undefined, undefined]);
  assert.deepEqual([counted(UNSAMPLED, true), counted(UNSAMPLED, true)], [1, undefined]);
});

test('F172: what OTLP loses of it need not go to the fallback if X-Ray has it', () => {
  const at = new KeepingStand(ERRORS);
  const record = at.begin(SAMPLED);
  at.spans(record, 1);
  at.handOver(record);
  at.end(record, { isFailed: true });
  assert.deepEqual([at.sent[0]!.xray, at.sent[0]!.whole?.xray], [undefined, record.xray]);
});

const steps = fc.array(
  fc.record({
    which: fc.nat(2),
    step: fc.constantFrom('ended', 'open', 'hand over', 'end well', 'fail'),
    count: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 40 },
);

for (const [what, keep] of [
  ['errors', ERRORS],
  ['slow', SLOW],
] as const) {
  test(`F172: ${what}: begun is sent, dropped or still open, after any number of invocations that overlap`, () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), (life, maxSpans) => {
        const at = new KeepingStand(keep, maxSpans);
        const running = new Map<number, InvocationRecord>();
        const ended: InvocationRecord[] = [];
        for (const { which, step, count } of life) {
          const record = running.get(which) ?? at.begin();
          running.set(which, record);
          if (step === 'ended' || step === 'open') at.spans(record, count, step === 'ended');
          else if (step === 'hand over') at.handOver(record);
          else {
            at.end(record, { isFailed: step === 'fail', tookMs: step === 'fail' ? 2000 : 10 });
            running.delete(which);
            ended.push(record);
          }
        }
        for (const record of running.values()) {
          at.end(record);
          ended.push(record);
        }
        const open = ended.filter((one) => one.isSampledForOtlp).reduce((sum, one) => sum + one.open.size, 0);
        assert.equal(at.account.count.begun, at.sentSpans + at.account.droppedSpans + open);
        const kept = new Set(ended.filter((one) => one.isSampledForOtlp));
        for (const { invocation } of at.sent) assert.ok(kept.has(invocation as InvocationRecord));
      }),
    );
  });
}
