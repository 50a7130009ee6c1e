import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { type HrTime, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { withSpan } from '../../../instrumentation/active-context.ts';
import { Clock } from '../../../instrumentation/clock.ts';
import { InertSpan } from '../../../instrumentation/inert-span.ts';
import { TracingUnderTest } from './tracing-under-test.ts';

const PARENT: SpanContext = { traceId: '65f1a2b30123456789abcdef01234567', spanId: '1'.repeat(16), traceFlags: 1 };
const parentContext = withSpan(ROOT_CONTEXT, new InertSpan(PARENT));
const nanosOf = ([seconds, nanos]: HrTime): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);

test('spans carry ids of our own making, the resource, and are told of at both ends', () => {
  const tracing = new TracingUnderTest();
  const tracer = tracing.sdk().provider.getTracer('user', '1');
  const span = tracer.startSpan('x', {}, parentContext);
  assert.deepEqual(tracing.started, [span]);
  assert.deepEqual(tracing.ended, []);
  span.end();
  assert.deepEqual(tracing.ended, [span]);
  const { traceId, spanId } = span.spanContext();
  assert.equal(traceId, PARENT.traceId);
  assert.match(spanId, /^[0-9a-f]{16}$/);
  assert.equal((span as unknown as ReadableSpan).resource, tracing.resource);
  const root = tracer.startSpan('root', { root: true }, parentContext).spanContext().traceId;
  const second = Number.parseInt(root.slice(0, 8), 16);
  assert.ok(Math.abs(second - Date.now() / 1000) < 60, 'X-Ray takes no trace id that does not begin with the time');
});

test('a span is recorded whatever the sampler said; only its W3C flag follows it', () => {
  const tracing = new TracingUnderTest();
  const tracer = tracing.sdk().provider.getTracer('user');
  for (const [isSampledForW3c, flags] of [
    [true, 1],
    [false, 0],
  ] as const) {
    tracing.trace = { xrayHeader: undefined, isSampledForXray: true, isSampledForW3c };
    const span = tracer.startSpan('x', {}, parentContext);
    assert.equal(span.isRecording(), true);
    assert.equal(span.spanContext().traceFlags, flags);
  }
  tracing.trace = undefined;
  assert.equal(tracer.startSpan('x', {}, parentContext).spanContext().traceFlags, 1);
});

test('a child never begins before its parent, nor ends after it', () => {
  const tracing = new TracingUnderTest();
  const tracer = tracing.sdk().provider.getTracer('user');
  for (let i = 0; i < 300; i++) {
    const before = nanosOf(tracing.clock.hrTime(tracing.clock.now()));
    const outer = tracer.startSpan('outer', {}, parentContext) as unknown as ReadableSpan & { end(): void };
    const inner = tracer.startSpan('inner', {}, parentContext) as unknown as ReadableSpan & { end(): void };
    inner.end();
    outer.end();
    const after = nanosOf(tracing.clock.hrTime(tracing.clock.now()));
    const times = [before, outer.startTime, inner.startTime, inner.endTime, outer.endTime, after].map((time) =>
      typeof time === 'bigint' ? time : nanosOf(time),
    );
    for (let at = 1; at < times.length; at++) {
      // An end is a start plus a duration, each rounded to nanoseconds; the first and the last are of another clock, which is
      // known to the SDK's to less than a microsecond: what X-Ray and the console show.
      const tolerance = at === 1 || at === times.length - 1 ? 1000n : 2n;
      assert.ok(times[at]! + tolerance >= times[at - 1]!, `${at}: ${times.join(' ')}`);
    }
  }
});

test('it holds too when the clocks have drifted apart as far as is tolerated', () => {
  for (const driftMs of [1.99, -1.99]) {
    const tracing = new TracingUnderTest(
      new (class extends Clock {
        override hrTime(at: number): HrTime {
          return super.hrTime(at + driftMs);
        }
      })(),
    );
    const tracer = tracing.sdk().provider.getTracer('user');
    for (let i = 0; i < 300; i++) {
      const before = nanosOf(tracing.clock.hrTime(tracing.clock.now()));
      const { startTime } = tracer.startSpan('x', {}, parentContext) as unknown as ReadableSpan;
      const after = nanosOf(tracing.clock.hrTime(tracing.clock.now()));
      assert.ok(nanosOf(startTime) + 1000n >= before && nanosOf(startTime) <= after + 1000n);
    }
  }
});

test('a start time of the user’s is kept', () => {
  const tracer = new TracingUnderTest().sdk().provider.getTracer('user');
  const start = (startTime: Date | HrTime | number): HrTime =>
    (tracer.startSpan('x', { startTime }, parentContext) as unknown as ReadableSpan).startTime;
  assert.deepEqual(start([1_700_000_000, 5]), [1_700_000_000, 5]);
  assert.deepEqual(start(new Date(1_700_000_000_123)), [1_700_000_000, 123_000_000]);
  assert.deepEqual(start(1_700_000_000_123), [1_700_000_000, 123_000_000]);
});

test('listeners of a bound emitter run in the context they were bound to', () => {
  const tracing = new TracingUnderTest();
  const emitter = tracing.active.bind(parentContext, new EventEmitter());
  const seen: (string | undefined)[] = [];
  const look = (): void => void seen.push(trace.getSpanContext(tracing.active.active())?.spanId);
  emitter.on('x', look);
  emitter.once('x', () => look());
  emitter.prependListener('x', () => look());
  emitter.emit('x');
  assert.deepEqual(seen.splice(0), [PARENT.spanId, PARENT.spanId, PARENT.spanId]);
  emitter.removeListener('x', look);
  emitter.emit('x');
  assert.equal(seen.length, 1, 'a listener can be taken off by its own name');
  const plain = {};
  assert.equal(tracing.sdk().bindEmitter(parentContext, plain), plain);
});
