import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Destination } from '../../../instrumentation/export/destination.ts';
import type { Exporter, ExportOutcome, SpanBatch } from '../../../instrumentation/export/exporter.ts';
import { SpanAccount } from '../../../instrumentation/span-account.ts';
import { settle } from '../../support/conditions.ts';
import { fc } from '../../support/property.ts';
import { buildSpan } from '../span-builder.ts';

/** A batch of so many spans, with a name to tell it by. */
const batch = (name: string, spans = 1, isSampledForOtlp = true): SpanBatch => ({
  spans: Array.from({ length: spans }, () => buildSpan({ name })),
  xray: undefined,
  isSampledForOtlp,
});
const namesOf = (batches: readonly SpanBatch[]): string[] => batches.map(({ spans }) => spans[0]?.name ?? '');

const sent: ExportOutcome = { sentSpans: 1, droppedSpans: 0 };

type Stand = {
  readonly destination: Destination;
  readonly account: SpanAccount;
  readonly exports: { names: string[]; deadlineEpochMs: number }[];
  readonly reports: string[];
  opens: number;
};

type Answer = (batches: readonly SpanBatch[]) => ExportOutcome | Promise<ExportOutcome>;

function stand(answer: Answer, { maxQueuedSpans = 10, open = () => {} } = {}): Stand {
  const exports: Stand['exports'] = [];
  const reports: string[] = [];
  const exporter: Exporter = {
    name: 'fake',
    async export(batches, deadlineEpochMs) {
      exports.push({ names: namesOf(batches), deadlineEpochMs });
      return answer(batches);
    },
  };
  const account = new SpanAccount('otlp');
  const found: Stand = {
    account,
    destination: new Destination({
      name: 'Fake',
      open() {
        found.opens++;
        open();
        return exporter;
      },
      account,
      accepts: ({ isSampledForOtlp }) => isSampledForOtlp,
      maxQueuedSpans,
      maxQueuedBytes: 1e9,
      report: (message) => reports.push(message),
    }),
    exports,
    reports,
    opens: 0,
  };
  return found;
}

const unreachable: Answer = (batches) => ({ sentSpans: 0, droppedSpans: 0, unsent: batches, error: 'unreachable' });

test('the exporter is made at the first flush that has something for it, once', async () => {
  const found = stand(() => sent);
  await found.destination.flush(5);
  found.destination.add(batch('not meant for it', 1, false));
  await found.destination.flush(5);
  assert.equal(found.opens, 0);
  found.destination.add(batch('a'));
  found.destination.add(batch('b'));
  await found.destination.flush(7);
  found.destination.add(batch('c'));
  await found.destination.flush(8);
  await found.destination.flush(9);
  assert.equal(found.opens, 1);
  assert.deepEqual(found.exports, [
    { names: ['a', 'b'], deadlineEpochMs: 7 },
    { names: ['c'], deadlineEpochMs: 8 },
  ]);
  assert.deepEqual(found.reports, []);
});

test('it can be made ahead', () => {
  const found = stand(() => sent);
  found.destination.open();
  found.destination.open();
  assert.equal(found.opens, 1);
});

test('what could not be sent is sent with what came meanwhile, in order; a row of failures is reported once', async () => {
  let isUp = false;
  const found = stand((batches) => (isUp ? sent : unreachable(batches)));
  for (const name of ['a', 'b', 'c']) {
    found.destination.add(batch(name, 2));
    await found.destination.flush(5);
  }
  isUp = true;
  await found.destination.flush(5);
  isUp = false;
  found.destination.add(batch('d'));
  await found.destination.flush(5);
  assert.deepEqual(
    found.exports.map(({ names }) => names),
    [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c'], ['d']],
  );
  assert.deepEqual(found.reports, [
    'the Fake export failed: unreachable; 2 spans wait for the next try, 0 are dropped so far',
    'the Fake export works again; 0 spans were dropped meanwhile',
    'the Fake export failed: unreachable; 1 spans wait for the next try, 0 are dropped so far',
  ]);
});

test('of more spans than may wait the oldest go, and are counted', async () => {
  const found = stand(unreachable, { maxQueuedSpans: 5 });
  for (const name of ['a', 'b', 'c']) found.destination.add(batch(name, 2));
  await found.destination.flush(5);
  assert.deepEqual(found.exports[0]?.names, ['a', 'b', 'c']);
  found.destination.add(batch('many', 4));
  await found.destination.flush(5);
  assert.deepEqual(found.exports[1]?.names, ['c', 'many']);
  found.destination.add(batch('more', 9));
  await found.destination.flush(5);
  assert.deepEqual(found.exports[2]?.names, ['more']);
  assert.deepEqual(found.account.losses.dropped, { queue_full: 14 });
  assert.deepEqual(found.reports, [
    'the Fake export failed: unreachable; 5 spans wait for the next try, 1 are dropped so far',
  ]);
});

test('what came while an export was under way comes after what it gives back', async () => {
  const { promise, resolve } = Promise.withResolvers<ExportOutcome>();
  let calls = 0;
  const found = stand(() => (calls++ === 0 ? promise : sent));
  const first = batch('first', 2);
  found.destination.add(first);
  const flush = found.destination.flush(5);
  await settle();
  found.destination.add(batch('second', 2));
  resolve({ sentSpans: 0, droppedSpans: 0, unsent: [first], error: 'x' });
  await flush;
  await found.destination.flush(5);
  assert.deepEqual(found.exports[1]?.names, ['first', 'second']);
});

test('flushes that come while another is under way end after it, and after one another: the process may end then', async () => {
  const exporting = [Promise.withResolvers<ExportOutcome>(), Promise.withResolvers<ExportOutcome>()];
  let calls = 0;
  const found = stand(() => exporting[calls++]!.promise);
  const ended: string[] = [];
  found.destination.add(batch('a'));
  const flushes = [found.destination.flush(5).then(() => ended.push('first'))];
  await settle();
  found.destination.add(batch('b'));
  flushes.push(found.destination.flush(6).then(() => ended.push('second')));
  flushes.push(found.destination.flush(7).then(() => ended.push('third')));
  await settle();
  assert.deepEqual(ended, []);
  exporting[0]!.resolve(sent);
  await settle();
  assert.deepEqual(ended, ['first']);
  exporting[1]!.resolve(sent);
  await Promise.all(flushes);
  assert.deepEqual(ended, ['first', 'second', 'third']);
  assert.deepEqual(found.exports, [
    { names: ['a'], deadlineEpochMs: 5 },
    { names: ['b'], deadlineEpochMs: 6 },
  ]);
});

for (const [what, answer] of [
  [
    'throws',
    () => {
      throw new TypeError('broken');
    },
  ],
  ['rejects', () => Promise.reject(new TypeError('broken'))],
] as const) {
  test(`an exporter that ${what} loses nothing`, async () => {
    const found = stand(answer);
    found.destination.add(batch('a'));
    await found.destination.flush(5);
    await found.destination.flush(5);
    assert.deepEqual(
      found.exports.map(({ names }) => names),
      [['a'], ['a']],
    );
    assert.deepEqual(found.reports, [
      'the Fake export failed: TypeError: broken; 1 spans wait for the next try, 0 are dropped so far',
    ]);
  });
}

test('an exporter that cannot be made is tried again at every flush; it hurts nobody', async () => {
  let isThere = false;
  const found = stand(() => sent, {
    open: () => {
      if (!isThere) throw new Error('no such bundle');
    },
  });
  found.destination.open();
  assert.deepEqual(found.reports, [], 'the flush that needs it tells of it');
  found.destination.add(batch('a'));
  await found.destination.flush(5);
  await found.destination.flush(5);
  isThere = true;
  await found.destination.flush(5);
  assert.deepEqual(found.exports, [{ names: ['a'], deadlineEpochMs: 5 }]);
  assert.deepEqual(found.reports, [
    'the Fake export failed: Error: no such bundle; 1 spans wait for the next try, 0 are dropped so far',
    'the Fake export works again; 0 spans were dropped meanwhile',
  ]);
});

test('what the exporter dropped for good is counted', async () => {
  const found = stand(() => ({ sentSpans: 0, droppedSpans: 3, error: 'refused' }));
  found.destination.add(batch('a', 3));
  await found.destination.flush(5);
  await found.destination.flush(5);
  assert.equal(found.exports.length, 1);
  assert.deepEqual(found.reports, [
    'the Fake export failed: refused; 0 spans wait for the next try, 3 are dropped so far',
  ]);
});

test('every span is sent, dropped or waiting, and never more wait than may', async () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 4 }) }),
    fc.constantFrom({ flush: 'sent' }, { flush: 'unsent' }, { flush: 'dropped' }, { flush: 'half' }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.integer({ min: 4, max: 8 }),
      async (steps, maxQueuedSpans) => {
        let outcome = '';
        let sentSpans = 0;
        let refusedSpans = 0;
        let offered = 0;
        let wanted = 0;
        const count = (batches: readonly SpanBatch[]): number =>
          batches.reduce((sum, { spans }) => sum + spans.length, 0);
        const { destination } = stand(
          (batches) => {
            offered = count(batches);
            assert.ok(offered <= maxQueuedSpans);
            const unsent = outcome === 'unsent' ? batches : outcome === 'half' ? batches.slice(1) : [];
            if (outcome === 'dropped') refusedSpans += offered;
            else sentSpans += offered - count(unsent);
            const error = outcome === 'sent' ? {} : { error: outcome };
            return { sentSpans: 0, droppedSpans: outcome === 'dropped' ? offered : 0, unsent, ...error };
          },
          { maxQueuedSpans },
        );
        for (const what of steps) {
          if ('add' in what) {
            wanted += what.add;
            destination.add(batch('x', what.add));
          } else {
            outcome = what.flush;
            await destination.flush(0);
          }
        }
        outcome = 'sent';
        await destination.flush(0);
        assert.ok(sentSpans + refusedSpans <= wanted);
        const overflow = wanted - sentSpans - refusedSpans;
        assert.ok(overflow === 0 || wanted > maxQueuedSpans, 'nothing is dropped while there is room');
      },
    ),
    { numRuns: 300 },
  );
});

test('what left without an answer counts as sent again when it leaves again, and not when it does not', async () => {
  const outcomes: ((batches: readonly SpanBatch[]) => ExportOutcome)[] = [
    (batches) => ({ sentSpans: 0, droppedSpans: 0, unsent: batches, doubtful: batches, error: 'no answer' }),
    unreachable as (batches: readonly SpanBatch[]) => ExportOutcome,
    (batches) => ({ sentSpans: 0, droppedSpans: 0, unsent: batches, doubtful: batches, error: 'no answer' }),
    () => ({ sentSpans: 3, droppedSpans: 0 }),
    () => ({ sentSpans: 3, droppedSpans: 0 }),
  ];
  const { destination, account } = stand((batches) => outcomes.shift()!(batches));
  const seen: [number, number][] = [];
  const look = (): void => {
    const { resent } = account.losses;
    seen.push([account.count.inFlight, resent]);
  };
  destination.add(batch('a', 3));
  for (let flush = 0; flush < 4; flush++) {
    await destination.flush(5);
    look();
  }
  destination.add(batch('b', 3));
  await destination.flush(5);
  look();
  assert.deepEqual(seen, [
    [3, 0],
    [3, 0],
    [3, 3],
    [0, 6],
    [0, 6],
  ]);
});

test('what may have arrived and is dropped has an unknown fate; what is refused beside it is refused', async () => {
  let isFirst = true;
  const { destination, account } = stand((batches) => {
    const error = 'no answer';
    if (!isFirst) return { sentSpans: 0, droppedSpans: 7, error };
    isFirst = false;
    return { sentSpans: 0, droppedSpans: 0, unsent: batches, doubtful: batches.slice(0, 1), error };
  });
  destination.add(batch('a', 4));
  destination.add(batch('b', 4));
  await destination.flush(5);
  assert.equal(account.count.inFlight, 4);
  // There is room for ten, and the oldest go.
  destination.add(batch('c', 3));
  assert.deepEqual([account.losses.dropped, account.count.inFlight], [{ unknown_fate: 1 }, 3]);
  destination.add(batch('d', 0));
  await destination.flush(5);
  assert.deepEqual(
    [account.losses, account.count.inFlight],
    [{ dropped: { unknown_fate: 4, refused: 4 }, resent: 0 }, 0],
  );
});

test('at the exit: what may have arrived and goes to the next process counts as sent again', async () => {
  const { destination, account } = stand((batches) => ({
    sentSpans: 0,
    droppedSpans: 0,
    unsent: batches,
    doubtful: batches,
    error: 'no answer',
  }));
  destination.add(batch('a', 3));
  await destination.flush(5);
  destination.add(batch('b', 2));
  assert.deepEqual(namesOf(destination.sendAtExit()), ['a', 'b']);
  assert.deepEqual([account.losses, account.count.inFlight], [{ dropped: {}, resent: 3 }, 0]);
});
