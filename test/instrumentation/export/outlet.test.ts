import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Destination } from '../../../instrumentation/export/destination.ts';
import type { ExportOutcome, SpanBatch } from '../../../instrumentation/export/exporter.ts';
import { SpanAccount } from '../../../instrumentation/span-account.ts';
import { settle } from '../../support/conditions.ts';
import { evaluateAnew } from '../../support/evaluated-anew.ts';
import { buildSpan } from '../span-builder.ts';

type OutletModule = typeof import('../../../instrumentation/export/outlet.ts');

const START_MS = 1_700_000_000_000;
const MAX_FLUSH_MS = 1000;

async function evaluateOutlet(t: TestContext): Promise<OutletModule> {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START_MS });
  return evaluateAnew('instrumentation/export/outlet.ts');
}

/** An outlet that sends whenever it is asked. */
function make(
  Outlet: OutletModule['Outlet'],
  destinations: readonly Destination[],
  maxFlushMs: number,
  fallback?: Destination,
) {
  const outlet = new Outlet({
    destinations,
    fallback,
    mode: 'async',
    intervalMs: 1000,
    batchSpans: 20,
    batchJitter: 5,
    maxFlushMs,
    untraced: (work) => work(),
    changed: () => {},
    fault(error) {
      throw error;
    },
  });
  return {
    add: (some: SpanBatch) => outlet.add(some),
    flush: async (reason: 'invocation' | 'shutdown', deadlineEpochMs: number): Promise<void> =>
      outlet.meet(reason === 'invocation' ? 'answered' : 'ending', deadlineEpochMs),
    flushAnyway: (deadlineEpochMs: number) => outlet.flush(deadlineEpochMs, { withRunning: true, moment: 'answered' }),
  };
}

const batch: SpanBatch = { spans: [buildSpan()], xray: undefined, isSampledForOtlp: true };
const sent: ExportOutcome = { sentSpans: 1, droppedSpans: 0 };

function destination(log: string[], name: string, answer: () => ExportOutcome | Promise<ExportOutcome>): Destination {
  return new Destination({
    name,
    open: () => {
      log.push(`${name} opened`);
      return {
        name,
        async export(batches, deadlineEpochMs) {
          log.push(`${name} ${batches.length} until +${deadlineEpochMs - START_MS}`);
          const outcome = await answer();
          log.push(`${name} done`);
          return outcome;
        },
      };
    },
    account: new SpanAccount('otlp'),
    accepts: () => true,
    maxQueuedSpans: 10,
    maxQueuedBytes: 1e9,
    report: (message) => log.push(message),
  });
}

const never = (): Promise<never> => new Promise(() => {});

test('every destination gets every batch; they are flushed in their order, side by side', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const log: string[] = [];
  const { promise, resolve } = Promise.withResolvers<ExportOutcome>();
  const outlet = make(
    Outlet,
    [destination(log, 'X-Ray', () => promise), destination(log, 'OTLP', () => sent)],
    MAX_FLUSH_MS,
  );
  outlet.add(batch);
  outlet.add({ ...batch });
  const flush = outlet.flush('invocation', START_MS + 10_000);
  await settle();
  assert.deepEqual(log, ['X-Ray opened', 'X-Ray 2 until +1000', 'OTLP opened', 'OTLP 2 until +1000', 'OTLP done']);
  resolve(sent);
  await flush;
  assert.equal(log.at(-1), 'X-Ray done');
});

test('exporters have until 50 ms before the deadline; one that hangs is left behind 20 ms later', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const log: string[] = [];
  const outlet = make(
    Outlet,
    [destination(log, 'hanging', never), destination(log, 'healthy', () => sent)],
    MAX_FLUSH_MS,
  );
  outlet.add(batch);
  let isOver = false;
  const flush = outlet.flush('invocation', START_MS + 300).then(() => {
    isOver = true;
  });
  await settle();
  assert.deepEqual(log, [
    'hanging opened',
    'hanging 1 until +250',
    'healthy opened',
    'healthy 1 until +250',
    'healthy done',
  ]);
  t.mock.timers.tick(269);
  await settle();
  assert.equal(isOver, false);
  t.mock.timers.tick(1);
  await flush;
});

test('a flush takes no longer than its own limit, however far the deadline', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const outlet = make(Outlet, [destination([], 'hanging', never)], MAX_FLUSH_MS);
  outlet.add(batch);
  const flush = outlet.flush('invocation', START_MS + 900_000);
  t.mock.timers.tick(MAX_FLUSH_MS + 20);
  await flush;
});

test('without time nothing is sent, and nothing lost', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const log: string[] = [];
  const outlet = make(Outlet, [destination(log, 'X', () => sent)], MAX_FLUSH_MS);
  outlet.add(batch);
  for (const deadline of [START_MS - 1, START_MS, START_MS + 50]) await outlet.flush('invocation', deadline);
  assert.deepEqual(log, []);
  await outlet.flush('invocation', START_MS + 51);
  assert.deepEqual(log, ['X opened', 'X 1 until +1', 'X done']);
});

test('a deadline that is no number does not keep it from its own limit', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const log: string[] = [];
  const outlet = make(Outlet, [destination(log, 'X', () => sent)], MAX_FLUSH_MS);
  outlet.add(batch);
  await outlet.flush('invocation', Number.NaN);
  assert.deepEqual(log, ['X opened', 'X 1 until +1000', 'X done']);
});

test('nothing is left of a flush that is over: no timer holds the process', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const log: string[] = [];
  const outlet = make(Outlet, [destination(log, 'X', () => sent)], MAX_FLUSH_MS);
  const cleared = t.mock.method(globalThis, 'clearTimeout');
  const { Outlet: Watched } = await evaluateAnew<OutletModule>('instrumentation/export/outlet.ts');
  await outlet.flush('invocation', START_MS + 500);
  await make(Watched, [], MAX_FLUSH_MS).flushAnyway(START_MS + 500);
  assert.equal(cleared.mock.callCount(), 1);
});

type Fate = 'sent' | 'lost' | 'kept' | 'half lost';

/** A network destination whose exports end as `fates` say, one after the other; the last goes on. */
function network(name: string, fates: Fate[], accepts: (some: SpanBatch) => boolean = () => true): Destination {
  return new Destination({
    name,
    isNetwork: true,
    account: new SpanAccount('otlp'),
    accepts,
    open: () => ({
      name,
      async export(batches) {
        const fate = fates.length > 1 ? fates.shift()! : fates[0]!;
        const spans = batches.reduce((sum, { spans }) => sum + spans.length, 0);
        if (fate === 'sent') return { sentSpans: spans, droppedSpans: 0 };
        if (fate === 'lost') return { sentSpans: 0, droppedSpans: spans, error: 'refused' };
        if (fate === 'kept') return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: 'down' };
        const [first] = batches;
        const lost = [{ ...first!, spans: first!.spans.slice(0, 1), whole: first!.whole ?? first! }];
        return { sentSpans: spans - 1, droppedSpans: 1, lost, error: 'one refused' };
      },
    }),
    maxQueuedSpans: 3,
    maxQueuedBytes: 1e9,
    report: () => {},
  });
}

/** The fallback, and what it was given. */
function recorder(): { destination: Destination; spans: () => number } {
  let count = 0;
  const destination = new Destination({
    name: 'stdout',
    account: new SpanAccount('otlp'),
    accepts: () => true,
    open: () => ({
      name: 'stdout',
      async export(batches) {
        for (const { spans } of batches) count += spans.length;
        return { sentSpans: count, droppedSpans: 0 };
      },
    }),
    maxQueuedSpans: 100,
    maxQueuedBytes: 1e9,
    report: () => {},
  });
  return { destination, spans: () => count };
}

const twoSpans = (): SpanBatch => ({ spans: [buildSpan(), buildSpan()], xray: undefined, isSampledForOtlp: true });

for (const [what, destinations, expected] of [
  ['one destination lost them', [['lost']], 2],
  ['one destination lost a part of them', [['half lost']], 1],
  ['one lost them, the other has them', [['sent'], ['lost']], 0],
  ['one lost them, the other will try again', [['lost'], ['kept']], 0],
  ['both lost them', [['lost'], ['lost']], 2],
  ['the first lost all, the second a part', [['lost'], ['half lost']], 1],
] satisfies [string, Fate[][], number][]) {
  test(`what every network destination lost goes to the fallback: ${what}`, async (t) => {
    const { Outlet } = await evaluateOutlet(t);
    const { destination: fallback, spans } = recorder();
    const all = destinations.map((fates, index) => network(`${index}`, [...fates]));
    const outlet = make(Outlet, all, MAX_FLUSH_MS, fallback);
    outlet.add(twoSpans());
    await outlet.flush('invocation', START_MS + 500);
    assert.equal(spans(), expected);
  });
}

test('a destination that the spans are not meant for has no hope for them', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const { destination: fallback, spans } = recorder();
  const outlet = make(Outlet, [network('a', ['sent'], () => false), network('b', ['lost'])], MAX_FLUSH_MS, fallback);
  outlet.add(twoSpans());
  await outlet.flush('invocation', START_MS + 500);
  assert.equal(spans(), 2);
});

test('what a full queue drops, and what is left when the process ends, goes to the fallback', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const { destination: fallback, spans } = recorder();
  const outlet = make(Outlet, [network('a', ['kept'])], MAX_FLUSH_MS, fallback);
  outlet.add(twoSpans());
  await outlet.flush('invocation', START_MS + 500);
  assert.equal(spans(), 0);
  outlet.add(twoSpans());
  await outlet.flush('invocation', START_MS + 500);
  assert.equal(spans(), 1, 'there is room for three');
  await outlet.flush('shutdown', START_MS + 500);
  assert.equal(spans(), 4);
  await outlet.flush('shutdown', START_MS + 500);
  assert.equal(spans(), 4);
});

test('a destination that comes back in time loses nothing', async (t) => {
  const { Outlet } = await evaluateOutlet(t);
  const { destination: fallback, spans } = recorder();
  const outlet = make(Outlet, [network('a', ['kept', 'sent'])], MAX_FLUSH_MS, fallback);
  outlet.add(twoSpans());
  await outlet.flush('invocation', START_MS + 500);
  await outlet.flush('shutdown', START_MS + 500);
  assert.equal(spans(), 0);
});
