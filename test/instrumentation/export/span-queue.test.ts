import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from '../../../instrumentation/export/exporter.ts';
import { SpanQueue } from '../../../instrumentation/export/span-queue.ts';
import { spanBytes } from '../../../instrumentation/export/span-size.ts';
import { fc } from '../../support/property.ts';
import { buildSpan, ERROR } from '../span-builder.ts';

type Dropped = { readonly reason: string; readonly span: ReadableSpan };

function makeQueue(maxSpans: number, maxBytes = 1e9): { queue: SpanQueue; dropped: Dropped[] } {
  const dropped: Dropped[] = [];
  const queue = new SpanQueue({
    maxSpans,
    maxBytes,
    dropped: (reason, { spans }) => dropped.push(...spans.map((span) => ({ reason, span }))),
  });
  return { queue, dropped };
}

const batchOf = (spans: readonly ReadableSpan[], invocation?: object, isRunning = false): SpanBatch => ({
  spans,
  xray: undefined,
  isSampledForOtlp: true,
  ...(invocation && { invocation }),
  ...(isRunning && { isRunning: true }),
});
const named = (...names: string[]): ReadableSpan[] => names.map((name) => buildSpan({ name }));
const failed = (name: string, parent?: string): ReadableSpan => buildSpan({ name, parent, status: { code: ERROR } });
const phase = (name: string): ReadableSpan => ({
  ...buildSpan({ name }),
  instrumentationScope: { name: 'spanstrap', version: '0' },
});
const namesIn = (batches: readonly SpanBatch[]): string[] =>
  batches.flatMap(({ spans }) => spans.map(({ name }) => name));
const namesOf = (dropped: readonly Dropped[]): string[] => dropped.map(({ span: { name } }) => name);

test('the oldest ordinary spans go first', () => {
  const { queue, dropped } = makeQueue(3);
  queue.add(batchOf(named('a', 'b')));
  queue.add(batchOf(named('c', 'd', 'e')));
  assert.deepEqual(namesOf(dropped), ['a', 'b']);
  assert.deepEqual(namesIn(queue.take(true)), ['c', 'd', 'e']);
});

test('what waits of one invocation can be taken out alone, and leaves room', () => {
  const { queue, dropped } = makeQueue(4);
  const [one, other] = [{}, {}];
  queue.add(batchOf(named('a'), one));
  queue.add(batchOf(named('b', 'c'), other));
  queue.add(batchOf(named('d'), one));
  assert.equal(queue.takeOf({}), undefined);
  assert.deepEqual(namesIn([queue.takeOf(one)!]), ['a', 'd']);
  assert.equal(queue.takeOf(one), undefined);
  queue.add(batchOf(named('e', 'f'), one));
  assert.deepEqual([queue.spans, dropped], [4, []]);
  assert.deepEqual(namesIn(queue.take(true)), ['b', 'c', 'e', 'f']);
  assert.equal(queue.bytes, 0);
});

test('errors, phases, and what stands between an error and its root stay; children end before their parents', () => {
  const { queue, dropped } = makeQueue(4);
  const middle = buildSpan({ name: 'middle', parent: 'aaaaaaaaaaaaaaaa' });
  const error = failed('error', middle.spanContext().spanId);
  const root = buildSpan({ name: 'root', id: 'aaaaaaaaaaaaaaaa' });
  queue.add(batchOf([...named('a'), error, ...named('b'), middle, ...named('c'), root, phase('Invocation')], {}));
  assert.deepEqual(namesOf(dropped), ['a', 'b', 'c']);
  assert.deepEqual(namesIn(queue.take(true)), ['error', 'middle', 'root', 'Invocation']);
});

test('what user code takes for a span or an event waits like any other', () => {
  const { queue, dropped } = makeQueue(9);
  const nameless = buildSpan({ name: 'with an event', events: [{ name: undefined as unknown as string }] });
  const odd: readonly object[] = [
    { name: undefined },
    { name: null },
    { name: 404 },
    { attributes: { big: 10n, list: [Symbol('a')] } },
    { attributes: undefined },
    { events: undefined },
    { links: [undefined] },
    { status: undefined },
  ];
  const spans = [nameless, ...odd.map((fields) => ({ ...buildSpan(), ...fields }) as ReadableSpan)];
  queue.add(batchOf(spans));
  assert.deepEqual([queue.spans, dropped], [9, []]);
  assert.ok(queue.bytes > 0, `${queue.bytes} bytes`);
  assert.deepEqual(
    queue.take(true).map((batch) => batch.spans),
    [spans],
  );
});

test('nothing but errors: the oldest of them go', () => {
  const { queue, dropped } = makeQueue(2);
  queue.add(batchOf([failed('a'), failed('b'), failed('c')]));
  assert.deepEqual(namesOf(dropped), ['a']);
});

test('bytes count as well, and the reason is told; one span beyond all bounds is tried once', () => {
  const { queue, dropped } = makeQueue(100, 3000);
  const large = buildSpan({ name: 'large', attributes: { text: 'x'.repeat(5000) } });
  queue.add(batchOf(named('a', 'b')));
  queue.add(batchOf([large]));
  assert.deepEqual(
    dropped.map(({ reason, span }) => `${reason} ${span.name}`),
    ['memory a', 'memory b'],
  );
  assert.deepEqual(namesIn(queue.take(true)), ['large']);
});

test('what is put back comes before what came meanwhile, and joins the rest of its invocation', () => {
  const { queue } = makeQueue(10);
  const [first, second] = [{}, {}];
  queue.add(batchOf(named('a'), first));
  const taken = queue.take(true);
  queue.add(batchOf(named('b'), second));
  queue.add(batchOf(named('c'), first));
  queue.putBack(taken);
  assert.deepEqual(
    queue.take(true).map(({ spans }) => spans.map(({ name }) => name)),
    [['a', 'c'], ['b']],
  );
});

test('an invocation that runs keeps its spans until it is over, if nothing presses', () => {
  const { queue } = makeQueue(10);
  const running = {};
  queue.add(batchOf(named('a'), running, true));
  queue.add(batchOf(named('b')));
  assert.deepEqual(namesIn(queue.take(false)), ['b']);
  queue.add(batchOf(named('c'), running));
  assert.deepEqual(namesIn(queue.take(false)), ['a', 'c']);
});

test('pressed is more than half, of spans or of bytes', () => {
  const bySpans = makeQueue(4).queue;
  bySpans.add(batchOf(named('a', 'b')));
  assert.equal(bySpans.isPressed, false);
  bySpans.add(batchOf(named('c')));
  assert.equal(bySpans.isPressed, true);
  const byBytes = makeQueue(100, 3000).queue;
  byBytes.add(batchOf(named('a', 'b')));
  assert.equal(byBytes.isPressed, true);
});

type Step =
  | {
      readonly kind: 'add';
      readonly invocation: number;
      readonly spans: readonly SpanPlan[];
      readonly isRunning: boolean;
    }
  | { readonly kind: 'take'; readonly withRunning: boolean }
  | { readonly kind: 'put back' };
type SpanPlan = { readonly isError: boolean; readonly isPhase: boolean; readonly chars: number };

const spanPlan: fc.Arbitrary<SpanPlan> = fc.record({
  isError: fc.boolean(),
  isPhase: fc.boolean(),
  chars: fc.integer({ min: 0, max: 3000 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      invocation: fc.integer({ min: 0, max: 3 }),
      spans: fc.array(spanPlan, { minLength: 1, maxLength: 8 }),
      isRunning: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), withRunning: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'put back' } as const) },
);

/** The same queue, with everything that went in and came out remembered. */
class Books {
  readonly added: ReadableSpan[] = [];
  readonly out: ReadableSpan[] = [];
  lastTaken: SpanBatch[] = [];
  readonly dropped: ReadableSpan[] = [];
  readonly #invocations = [{}, {}, {}];
  readonly queue: SpanQueue;
  readonly #isSpared: (span: ReadableSpan) => boolean = ({ status, instrumentationScope }) =>
    status.code === ERROR || instrumentationScope.name === 'spanstrap';

  constructor(maxSpans: number, maxBytes: number) {
    this.queue = new SpanQueue({ maxSpans, maxBytes, dropped: (_reason, { spans }) => this.dropped.push(...spans) });
  }

  do(step: Step): void {
    const before = this.dropped.length;
    if (step.kind === 'add') {
      const spans = step.spans.map(({ isError, isPhase, chars }) => {
        const attributes = { text: 'x'.repeat(chars) };
        const span = buildSpan({ attributes, status: { code: isError ? ERROR : 0 } });
        return isPhase ? { ...span, instrumentationScope: { name: 'spanstrap' } } : span;
      });
      this.added.push(...spans);
      this.queue.add(batchOf(spans, this.#invocations[step.invocation], step.isRunning));
    } else if (step.kind === 'take') {
      this.out.push(...this.lastTaken.flatMap(({ spans }) => spans));
      this.lastTaken = this.queue.take(step.withRunning);
    } else {
      this.queue.putBack(this.lastTaken);
      this.lastTaken = [];
    }
    const isSparedGone = this.dropped.slice(before).some(this.#isSpared);
    if (isSparedGone)
      assert.deepEqual(
        this.waiting().filter((span) => !this.#isSpared(span)),
        [],
        'ordinary ones first',
      );
  }

  waiting(): ReadableSpan[] {
    const batches = this.queue.take(true);
    this.queue.putBack(batches);
    return batches.flatMap(({ spans }) => [...spans]);
  }
}

test('whatever happens: the bounds hold, and every span is waiting, taken or dropped, once', () => {
  const bounds = { maxSpans: fc.integer({ min: 1, max: 12 }), maxBytes: fc.integer({ min: 500, max: 15_000 }) };
  fc.assert(
    fc.property(fc.record(bounds), fc.array(step, { maxLength: 40 }), ({ maxSpans, maxBytes }, steps) => {
      const books = new Books(maxSpans, maxBytes);
      for (const one of steps) {
        books.do(one);
        const waiting = books.waiting();
        assert.equal(books.queue.spans, waiting.length);
        assert.ok(waiting.length <= maxSpans);
        const bytes = waiting.reduce((sum, span) => sum + spanBytes(span), 0);
        assert.ok(bytes <= maxBytes || waiting.length === 1, `${bytes} bytes of ${maxBytes}`);
        const taken = books.lastTaken.flatMap(({ spans }) => spans);
        const all = [...waiting, ...taken, ...books.out, ...books.dropped];
        assert.equal(all.length, books.added.length);
        assert.deepEqual(new Set(all), new Set(books.added));
      }
    }),
  );
});
