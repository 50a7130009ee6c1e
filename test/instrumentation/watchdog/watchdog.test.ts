// The watchdog's two sides without a thread: who gives which notice, and when there is no watchdog at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlightBoard } from '../../../instrumentation/watchdog/flight-board.ts';
import { Watchdog } from '../../../instrumentation/watchdog/watchdog.ts';
import { fc } from '../../support/property.ts';

const TIMES = { lateEpochMs: 100, lastEpochMs: 200, deadlineEpochMs: 300 };

function stand({ isEager = false, open = () => {} }: { isEager?: boolean; open?: () => void } = {}) {
  const log: string[] = [];
  let board: FlightBoard | undefined;
  let fail = (): void => {};
  const watchdog = new Watchdog({
    isEager,
    openThread(buffer, failed) {
      log.push('opened');
      open();
      board = new FlightBoard(buffer);
      fail = failed;
    },
    report: (message) => void log.push(message),
  });
  return { watchdog, log, board: () => board!, fail: () => fail() };
}

test('until it is started it costs nothing, and every notice is the main thread’s', () => {
  const { watchdog, log } = stand();
  watchdog.begin(TIMES);
  watchdog.rest();
  assert.deepEqual([watchdog.claim('late'), watchdog.claim('late'), watchdog.isRunning, log], [true, true, false, []]);
  assert.deepEqual(watchdog.takeMarkers(), { sent: 0, lost: 0 });
});

test('it is started once; the flight that it is started in is on the board', () => {
  const { watchdog, log, board } = stand();
  watchdog.start(TIMES);
  watchdog.start(TIMES);
  assert.deepEqual(log, ['opened']);
  assert.deepEqual(board().read(), { flight: 1, ...TIMES });
  watchdog.rest();
  assert.equal(board().read(), undefined);
  watchdog.begin({ ...TIMES, lateEpochMs: 7 });
  assert.deepEqual(board().read(), { flight: 2, ...TIMES, lateEpochMs: 7 });
});

test('an eager one is started at rest', () => {
  const { watchdog, log, board } = stand({ isEager: true });
  watchdog.rest();
  watchdog.rest();
  assert.deepEqual([log, board().flight], [['opened'], 0]);
});

for (const notice of ['late', 'last'] as const) {
  test(`of the notice ${notice} one side gives one per flight, whoever comes first`, () => {
    const { watchdog, board } = stand();
    watchdog.start(TIMES);
    assert.equal(board().isClaimed(notice, 1), false);
    assert.deepEqual([board().claim(notice, 1), watchdog.claim(notice), watchdog.claim(notice)], [true, false, false]);
    watchdog.rest();
    watchdog.begin(TIMES);
    assert.deepEqual([watchdog.claim(notice), board().claim(notice, 2)], [true, false]);
    assert.equal(board().isClaimed(notice, 2), true);
  });
}

test('markers are counted once', () => {
  const { watchdog, board } = stand();
  watchdog.start(TIMES);
  for (const isSent of [true, false, true]) board().markerSent(isSent);
  assert.deepEqual(watchdog.takeMarkers(), { sent: 2, lost: 1 });
  assert.deepEqual(watchdog.takeMarkers(), { sent: 0, lost: 0 });
});

test('a thread that cannot be started, or that ends: one line, and it is never tried again', () => {
  const forbidden = stand({
    open() {
      throw new Error('no workers here');
    },
  });
  forbidden.watchdog.start(TIMES);
  forbidden.watchdog.start(TIMES);
  assert.deepEqual(forbidden.log, [
    'opened',
    'the watchdog is off, a blocked event loop will not be told of: Error: no workers here',
  ]);
  assert.equal(forbidden.watchdog.claim('late'), true);

  const { watchdog, log, fail } = stand();
  watchdog.start(TIMES);
  fail();
  watchdog.start(TIMES);
  assert.deepEqual([log.length, watchdog.isRunning, watchdog.claim('last')], [2, false, true]);
});

test('whatever the order, a notice of a flight is given once', () => {
  const step = fc.constantFrom('begin', 'rest', 'main late', 'main last', 'thread late', 'thread last');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { watchdog, board } = stand();
      watchdog.start(TIMES);
      const given = new Map<string, number>();
      for (const one of steps) {
        if (one === 'begin') watchdog.begin(TIMES);
        else if (one === 'rest') watchdog.rest();
        else {
          const [who, notice] = one.split(' ') as ['main' | 'thread', 'late' | 'last'];
          const { flight } = board();
          if (flight === 0) continue;
          const isGiven = who === 'main' ? watchdog.claim(notice) : board().claim(notice, flight);
          const key = `${flight} ${notice}`;
          if (isGiven) given.set(key, (given.get(key) ?? 0) + 1);
        }
      }
      assert.ok([...given.values()].every((count) => count === 1));
    }),
  );
});
