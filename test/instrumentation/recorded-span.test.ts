// The phases' own span against the SDK's: user code that gets hold of one must not see a difference, but for its end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attributes,
  type Exception,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  type TimeInput,
} from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace-base';
import { Clock } from '../../instrumentation/clock.ts';
import { liveErrors, RecordedSpan, type RecordedSpanOptions } from '../../instrumentation/recorded-span.ts';
import { fc } from '../support/property.ts';
import { ordersResource } from './orders-resource.ts';

const clock = new Clock();
const resource = ordersResource();
const scope = { clock, resource, instrumentationScope: { name: 'spanstrap', version: '0' } };
const spanContext: SpanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };

const record = (options: Partial<RecordedSpanOptions> = {}): RecordedSpan =>
  new RecordedSpan(scope, {
    name: 'Invocation',
    kind: SpanKind.INTERNAL,
    spanContext,
    parent: undefined,
    startedAt: clock.now(),
    attributes: {},
    ...options,
  });

const tracer = new TracerProvider().getTracer('oracle');
const official = (): Span & ReadableSpan => tracer.startSpan('Invocation', {}, ROOT_CONTEXT) as Span & ReadableSpan;

type Step = (span: Span) => void;

/** What both must agree on. Times of events without a given time are each span's own. */
const seen = (span: ReadableSpan): unknown => ({
  name: span.name,
  attributes: span.attributes,
  droppedAttributesCount: span.droppedAttributesCount,
  events: span.events.map(({ name, attributes, droppedAttributesCount = 0, time }) => ({
    name,
    attributes: attributes ?? {},
    droppedAttributesCount,
    time: time[0] < 1_000_000 ? time : 'now',
  })),
  droppedEventsCount: span.droppedEventsCount,
  links: span.links.map(({ context, attributes, droppedAttributesCount = 0 }) => ({
    context,
    attributes: attributes ?? {},
    droppedAttributesCount,
  })),
  droppedLinksCount: span.droppedLinksCount,
  status: span.status,
});

function agree(steps: readonly Step[]): void {
  const [ours, theirs] = [record(), official()];
  for (const step of steps) {
    step(ours);
    step(theirs);
  }
  assert.deepEqual(seen(ours), seen(theirs));
}

const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true, withNullPrototype: true }),
  fc.constantFrom<unknown>(undefined, null, Number.NaN, () => 1, Symbol('x'), /x/),
  fc.array(fc.oneof(fc.integer(), fc.constantFrom(null, undefined)), { maxLength: 4 }),
  fc.array(fc.oneof(fc.string(), fc.boolean(), fc.constant(null)), { maxLength: 4 }),
  fc.uint8Array({ maxLength: 4 }),
);
const key = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('', 'a', 'b', 'constructor', 'toString'));
const attributes = fc.dictionary(key, anything, { maxKeys: 5, noNullPrototype: true }) as fc.Arbitrary<Attributes>;
/** Early in 1970, so that it is told apart from "now"; no performance time, which each span relates to its own start. */
const time: fc.Arbitrary<TimeInput> = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 0, max: 999_999_999 })),
  fc.integer({ min: 0, max: 999_999_999 }).map((ms) => new Date(ms)),
);
const link = fc.record(
  { context: fc.constant(spanContext), attributes },
  { requiredKeys: ['context'] },
) as fc.Arbitrary<Link>;
const exception: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1 }).map((message) => Object.assign(new RangeError(message), { stack: `at ${message}` })),
  fc.record({
    name: fc.constant('Named'),
    message: fc.string({ minLength: 1 }),
    code: fc.constantFrom('E_X', 7, 0, undefined),
  }),
  fc.record({ name: fc.constant('Named'), message: fc.constantFrom<unknown>({ a: 1 }, 5, null, undefined) }),
);
const status = fc.record(
  { code: fc.constantFrom(0, 1, 2), message: fc.constantFrom<unknown>('text', '', 5, null, undefined) },
  { requiredKeys: ['code'] },
) as fc.Arbitrary<SpanStatus>;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, anything).map(
    ([name, value]): Step =>
      (span) =>
        span.setAttribute(name, value),
  ),
  attributes.map(
    (given): Step =>
      (span) =>
        span.setAttributes(given),
  ),
  fc
    .tuple(fc.string(), fc.option(fc.oneof(attributes, time), { nil: undefined }), fc.option(time, { nil: undefined }))
    .map(
      ([name, given, at]): Step =>
        (span) =>
          span.addEvent(name, given as Attributes, at),
    ),
  link.map(
    (given): Step =>
      (span) =>
        span.addLink(given),
  ),
  fc.array(link, { maxLength: 3 }).map(
    (given): Step =>
      (span) =>
        span.addLinks(given),
  ),
  status.map(
    (given): Step =>
      (span) =>
        span.setStatus(given),
  ),
  fc.string().map(
    (name): Step =>
      (span) =>
        span.updateName(name),
  ),
  fc.tuple(exception, fc.option(time, { nil: undefined })).map(
    ([given, at]): Step =>
      (span) =>
        span.recordException(given as Exception, at),
  ),
);

test('whatever user code does to it, it holds what the SDK’s span would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => agree(steps)),
    { numRuns: 1000 },
  );
});

test('the limits are the SDK’s: 128 attributes, events and links, and the same ones are dropped', () => {
  const many = <T>(make: (at: number) => T): T[] => Array.from({ length: 140 }, (_, at) => make(at));
  agree([
    ...many(
      (at): Step =>
        (span) =>
          void span.setAttribute(`a${at}`, at),
    ),
    ...many(
      (at): Step =>
        (span) =>
          void span.setAttribute(`a${at}`, 'overwritten'),
    ),
    (span) => void span.setAttribute('over', () => 'the limit comes before validity'),
    ...many(
      (at): Step =>
        (span) =>
          void span.addEvent(`e${at}`),
    ),
    ...many(
      (at): Step =>
        (span) =>
          void span.addLink({ context: spanContext, attributes: { at } }),
    ),
    (span) => void span.addEvent('wide', Object.fromEntries(many((at) => [`k${at}`, at]))),
    (span) => void span.addLink({ context: spanContext, attributes: Object.fromEntries(many((at) => [`k${at}`, at])) }),
  ]);
});

test('an event at a time that is none happened now', () => {
  const span = record();
  const times = [[1n, 2n], [Number.NaN, 0], [1], Number.NaN, Number.POSITIVE_INFINITY, new Date('no date')];
  for (const time of times) span.addEvent('e', {}, time as unknown as TimeInput);
  assert.equal(span.events.length, times.length);
  for (const { time } of span.events) assert.ok(time.every(Number.isFinite), String(time));
});

test('values are taken as they are at the time', () => {
  const list = ['a'];
  const nested = { inner: { deep: 1 } };
  agree([(span) => void span.setAttribute('list', list).setAttribute('nested', nested).addEvent('e', { list })]);
  const span = record();
  span.setAttribute('list', list).setAttribute('nested', nested).addEvent('e', { list });
  list.push('later');
  nested.inner.deep = 2;
  assert.deepEqual(span.attributes, { list: ['a'], nested: { inner: { deep: 1 } } });
  assert.deepEqual(span.events[0]?.attributes, { list: ['a'] });
});

test('what contains itself is no value', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  agree([(span) => void span.setAttribute('circle', circle).setAttribute('twice', [[1], [1]])]);
  const shared = { a: 1 };
  agree([(span) => void span.setAttribute('shared', [shared, shared])]);
});

test('what JavaScript code passes against the types does not throw', () => {
  const loose = record() as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const nothing of [undefined, null]) {
    loose.setAttributes?.(nothing);
    loose.recordException?.(nothing);
    loose.addEvent?.('e', nothing, nothing);
    loose.setAttribute?.('a', nothing);
  }
  const theirs = official() as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const nothing of [undefined, null]) {
    theirs.setAttributes?.(nothing);
    theirs.recordException?.(nothing);
    theirs.addEvent?.('e', nothing, nothing);
    theirs.setAttribute?.('a', nothing);
  }
  assert.deepEqual(seen(loose as unknown as ReadableSpan), seen(theirs as unknown as ReadableSpan));
});

test('every call can be chained', () => {
  const span: Span = record();
  const chained = span
    .setAttribute('a', 1)
    .setAttributes({})
    .addEvent('e')
    .addLink({ context: spanContext })
    .addLinks([])
    .setStatus({ code: 0 })
    .updateName('x');
  assert.equal(chained, span);
});

test('user code cannot end it; the fact does, and nothing changes any more', () => {
  const startedAt = clock.now();
  const span = record({ startedAt });
  span.end();
  assert.equal(span.isRecording(), true);
  assert.equal(span.ended, false);
  assert.deepEqual(span.duration, [-1, -1]);

  span.setAttribute('before', 1);
  span.endAt(startedAt + 1500.25);
  assert.equal(span.isRecording(), false);
  assert.deepEqual(span.endTime, clock.hrTime(startedAt + 1500.25));
  assert.deepEqual(span.duration, [1, 500_250_000]);

  const before = structuredClone(seen(span));
  span
    .setAttribute('after', 1)
    .setAttributes({ after: 1 })
    .addEvent('after')
    .addLink({ context: spanContext })
    .setStatus({ code: 2 })
    .updateName('after');
  span.recordException(new Error('after'));
  span.endAt(startedAt + 9000);
  assert.deepEqual(seen(span), before);
  assert.deepEqual(span.endTime, clock.hrTime(startedAt + 1500.25));
});

test('an end before the start counts as the start', () => {
  const span = record({ startedAt: 500 });
  span.endAt(400);
  assert.deepEqual(span.endTime, span.startTime);
  assert.deepEqual(span.duration, [0, 0]);
});

test('the record has everything a ReadableSpan has', () => {
  const parent: SpanContext = { ...spanContext, spanId: '3'.repeat(16), isRemote: true };
  const links = [{ context: parent }];
  const span = record({ parent, links, attributes: { a: 1 }, kind: SpanKind.SERVER, startedAt: 10 });
  assert.equal(span.parentSpanContext, parent);
  assert.equal(span.spanContext(), spanContext);
  assert.equal(span.links, links);
  assert.equal(span.kind, SpanKind.SERVER);
  assert.equal(span.resource, resource);
  assert.equal(span.instrumentationScope, scope.instrumentationScope);
  assert.deepEqual(span.startTime, clock.hrTime(10));
  assert.equal(record().parentSpanContext, undefined);
  const keys = (value: object): string[] =>
    [
      'name',
      'kind',
      'spanContext',
      'startTime',
      'endTime',
      'status',
      'attributes',
      'links',
      'events',
      'duration',
    ].filter((name) => !(name in value));
  assert.deepEqual(keys(span), keys(official()));
});

test('times of events: now, performance.now(), epoch milliseconds, Date and HrTime', () => {
  const span = record();
  const at = clock.now();
  const epochMs = 1_700_000_000_123;
  span.addEvent('performance', at);
  span.addEvent('epoch', epochMs);
  span.addEvent('date', new Date(epochMs));
  span.addEvent('hr', [1, 2]);
  span.addEvent('third', {}, [1, 2]);
  span.addEvent('now');
  const times = Object.fromEntries(span.events.map(({ name, time: found }) => [name, found]));
  assert.deepEqual(times.performance, clock.hrTime(at));
  assert.deepEqual(times.epoch, [1_700_000_000, 123_000_000], 'to the millisecond that was given');
  assert.deepEqual(times.date, [1_700_000_000, 123_000_000]);
  assert.deepEqual(times.hr, [1, 2]);
  assert.deepEqual(times.third, [1, 2]);
  const now = times.now as [number, number];
  assert.ok(now[0] >= clock.hrTime(at)[0] && now[0] <= clock.hrTime(clock.now())[0]);
});

test('the error behind an exception event can be found again, whatever was thrown', () => {
  const span = record();
  const error = new TypeError('x');
  const plain = { reason: 'no error' } as unknown as Exception;
  span.recordException(error);
  span.recordException('text');
  span.recordException(plain);
  assert.deepEqual(
    span.events.map((event) => liveErrors.get(event)),
    [error, 'text', plain],
  );
});
