// The table in docs/delivery.md is the specification: every situation there is, is looked up there and put to the code.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  batchSpans,
  DEADLINE_MARGIN_MS,
  decideFlush,
  type FlushMode,
  type FlushMoment,
  type FlushSituation,
} from '../../../instrumentation/export/flush-policy.ts';
import { fc } from '../../support/property.ts';

const MODES: Readonly<Record<FlushMode, string>> = {
  async: 'async',
  sync: 'sync',
  finalize: 'finalize',
  periodic: 'periodic',
  continuous: 'continuous',
  interval: 'end,MS',
};
const MOMENTS: readonly FlushMoment[] = ['begun', 'running', 'settled', 'answered', 'ending'];
const DECISIONS: Readonly<Record<string, string>> = { wait: 'wait', background: 'background', nothing: 'none' };
const CONDITIONS: Readonly<Record<string, (situation: FlushSituation) => boolean>> = {
  always: () => true,
  'nothing waits': ({ queuedSpans }) => queuedSpans === 0,
  'no time is left': ({ leftMs }) => leftMs <= DEADLINE_MARGIN_MS,
  'half full': ({ isPressed }) => isPressed,
  'interval over': ({ sinceFlushMs, intervalMs }) => sinceFlushMs >= intervalMs,
  'batch full': ({ queuedSpans, batchSpans: full }) => queuedSpans >= full,
};

type Row = {
  readonly moment: string;
  readonly modes: readonly string[];
  readonly when: string[];
  readonly what: string;
};

function readTable(): readonly Row[] {
  const page = readFileSync(new URL('../../../docs/delivery.md', import.meta.url), 'utf8');
  const [, body = ''] = /^\| Moment \| Mode \| When \| What is done \|\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(page) ?? [];
  return body
    .trim()
    .split('\n')
    .map((line) => {
      const [moment, mode, when, what] = line.split('|').slice(1, 5);
      const modes = mode!.trim() === 'end,MS' ? ['end,MS'] : mode!.trim().split(', ');
      return { moment: moment!.trim(), modes, when: when!.trim().split(', '), what: what!.trim() };
    });
}

function lookUp(rows: readonly Row[], situation: FlushSituation): Row | undefined {
  return rows.find(
    ({ moment, modes, when }) =>
      (moment === 'any' || moment === situation.moment) &&
      (modes[0] === 'any' || modes.includes(MODES[situation.mode])) &&
      when.some((condition) => CONDITIONS[condition]!(situation)),
  );
}

/** Every combination, with the values on both sides of every bound. */
function* situations(): Generator<FlushSituation> {
  for (const moment of MOMENTS)
    for (const mode of Object.keys(MODES) as FlushMode[])
      for (const queuedSpans of [0, 1, 19, 20, 21])
        for (const isPressed of [false, true])
          for (const sinceFlushMs of [0, 1999, 2000, 1e9])
            for (const leftMs of [-1e6, 50, 51, 1e6, Number.POSITIVE_INFINITY])
              yield { moment, mode, queuedSpans, batchSpans: 20, isPressed, sinceFlushMs, intervalMs: 2000, leftMs };
}

test('the table says something, and in words that are known here', () => {
  const rows = readTable();
  assert.equal(rows.length, 15);
  for (const { moment, modes, when, what } of rows) {
    assert.ok(moment === 'any' || MOMENTS.includes(moment as FlushMoment), moment);
    for (const mode of modes) assert.ok(mode === 'any' || Object.values(MODES).includes(mode), mode);
    for (const condition of when) assert.ok(condition in CONDITIONS, condition);
    assert.ok(what in DECISIONS, what);
  }
});

test('the code decides as the table says, in every situation; and every line of it is needed', () => {
  const rows = readTable();
  const used = new Set<Row>();
  let count = 0;
  for (const situation of situations()) {
    const row = lookUp(rows, situation);
    assert.ok(row, JSON.stringify(situation));
    used.add(row);
    assert.equal(decideFlush(situation), DECISIONS[row.what], JSON.stringify(situation));
    count++;
  }
  assert.equal(count, 5 * 6 * 5 * 2 * 4 * 5);
  assert.deepEqual(new Set(rows), used);
});

test('a deadline that nobody knows is no deadline that has passed', () => {
  const situation = { mode: 'async', moment: 'answered', queuedSpans: 1, batchSpans: 20, isPressed: false } as const;
  const times = { sinceFlushMs: 0, intervalMs: 1 };
  assert.equal(decideFlush({ ...situation, ...times, leftMs: Number.NaN }), 'wait');
});

test('batches vary around their size, and hold a span at least', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 2000 }), random, (base, jitter, value) => {
      const spans = batchSpans(base, jitter, value);
      assert.ok(Number.isInteger(spans) && spans >= Math.max(1, base - jitter) && spans <= base + jitter, `${spans}`);
    }),
  );
  assert.deepEqual([batchSpans(20, 5, 0), batchSpans(20, 5, 0.999999)], [15, 25]);
});
