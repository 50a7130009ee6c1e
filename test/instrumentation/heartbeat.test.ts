// When the process did not get to run: measured with clocks and timers of the test's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeat } from '../../instrumentation/heartbeat.ts';

/** A process whose time passes only when the test says so. */
class Process {
  #nowMs = 1000;
  #clockJumpMs = 0;
  #timer: { readonly work: () => void; readonly dueMs: number } | undefined;
  beats = 0;
  readonly heartbeat = new Heartbeat({
    now: () => this.#nowMs,
    beaten: () => {
      this.beats++;
    },
    wallNow: () => 1.7e12 + this.#nowMs + this.#clockJumpMs,
    timers: {
      setTimeout: ((work: () => void, delayMs: number) => {
        this.#timer = { work, dueMs: this.#nowMs + delayMs };
        return {
          unref() {},
          refresh: () => {
            this.#timer = { work, dueMs: this.#nowMs + delayMs };
          },
        };
      }) as unknown as typeof setTimeout,
      clearTimeout: () => {
        this.#timer = undefined;
      },
    },
  });

  get isBeating(): boolean {
    return this.#timer !== undefined;
  }

  /** It runs: timers fire when they are due. */
  run(forMs: number): void {
    const until = this.#nowMs + forMs;
    while (this.#timer !== undefined && this.#timer.dueMs <= until) {
      const { work, dueMs } = this.#timer;
      this.#timer = undefined;
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      work();
    }
    this.#nowMs = until;
  }

  /** It does not run, but its clock does. */
  hold(forMs: number): void {
    this.#nowMs += forMs;
  }

  /** Nor does its monotonic clock. */
  suspend(forMs: number): void {
    this.#clockJumpMs += forMs;
  }
}

test('a process that ran all the time between two invocations was not frozen', () => {
  for (const idleMs of [0, 5, 19, 50, 500, 60_000]) {
    const process = new Process();
    process.heartbeat.rest();
    process.run(idleMs);
    assert.equal(process.heartbeat.begin(), 0, `${idleMs} ms`);
  }
});

test('a freeze counts from the last sign of life, whichever clock went on', () => {
  const frozen = new Process();
  frozen.heartbeat.rest();
  frozen.hold(5000);
  assert.equal(frozen.heartbeat.begin(), 5000);
  const suspended = new Process();
  suspended.heartbeat.rest();
  suspended.suspend(3_600_000);
  assert.equal(suspended.heartbeat.begin(), 3_600_000);
});

test('a process that was thawed for nothing and frozen again: the times add up', () => {
  const process = new Process();
  process.heartbeat.rest();
  process.hold(700);
  process.run(100);
  process.hold(300);
  const frozenMs = process.heartbeat.begin();
  // What it ran in between is not counted, but for less than one beat.
  assert.ok(frozenMs >= 1000 && frozenMs < 1100, `${frozenMs}`);
});

test('it is told once, and nothing is said of what is before the first rest', () => {
  const process = new Process();
  process.hold(5000);
  assert.equal(process.heartbeat.begin(), 0);
  process.heartbeat.rest();
  process.hold(5000);
  process.heartbeat.begin();
  assert.equal(process.heartbeat.begin(), 0);
});

test('a machine that is a little late has not frozen anything', () => {
  const process = new Process();
  process.heartbeat.rest();
  process.hold(260);
  assert.equal(process.heartbeat.begin(), 0);
});

test('the event loop’s delay within an invocation: the latest beat, also the one that never came', () => {
  const process = new Process();
  const calm = process.heartbeat.watch();
  process.run(500);
  process.heartbeat.stop(calm);
  assert.equal(calm.maxMs, 0);

  const blocked = process.heartbeat.watch();
  process.run(100);
  process.hold(300);
  process.run(100);
  process.heartbeat.stop(blocked);
  assert.equal(blocked.maxMs, 300 - 20);

  const blockedToTheEnd = process.heartbeat.watch();
  process.hold(70);
  process.heartbeat.stop(blockedToTheEnd);
  assert.equal(blockedToTheEnd.maxMs, 50);
});

test('who wants to know of the beats is told of those within an invocation', () => {
  const process = new Process();
  process.heartbeat.rest();
  process.run(1000);
  assert.equal(process.beats, 0);
  const delay = process.heartbeat.watch();
  process.run(100);
  process.heartbeat.stop(delay);
  process.run(100);
  assert.equal(process.beats, 5);
});

test('invocations at once share the loop: each is told of what happened while it ran', () => {
  const process = new Process();
  const early = process.heartbeat.watch();
  process.hold(120);
  process.run(100);
  const late = process.heartbeat.watch();
  process.run(100);
  process.heartbeat.stop(early);
  process.hold(60);
  process.heartbeat.stop(late);
  assert.deepEqual([early.maxMs, late.maxMs], [100, 40]);
});

test('nothing beats when nobody listens; between invocations the beats become rare', () => {
  const process = new Process();
  assert.equal(process.isBeating, false);
  const delay = process.heartbeat.watch();
  assert.equal(process.isBeating, true);
  process.heartbeat.rest();
  process.heartbeat.stop(delay);
  process.heartbeat.stop(delay);
  process.run(100);
  assert.equal(process.isBeating, false);
  process.heartbeat.rest();
  process.run(10_000);
  // The longest period: a freeze now is noticed however late the next beat would have been.
  process.hold(5000);
  assert.ok(process.heartbeat.begin() >= 5000);
});
