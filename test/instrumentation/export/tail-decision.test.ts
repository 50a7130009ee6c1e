// The table in docs/delivery.md is the specification: every situation there is, is looked up there and put to the code.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decideTail, type EndFacts } from '../../../instrumentation/export/tail-decision.ts';
import type { KeepReason, KeepRules } from '../../../instrumentation/keep-rules.ts';

const SLOW_MS = 1500;
const RULES: Readonly<Record<string, (rules: KeepRules) => boolean>> = {
  errors: ({ errors }) => errors,
  slow: ({ slowMs }) => slowMs !== undefined,
  cold: ({ cold }) => cold,
  any: () => true,
};
const SHOWN: Readonly<Record<string, (facts: EndFacts) => boolean>> = {
  failed: ({ isFailed }) => isFailed,
  'near its deadline': ({ isLate }) => isLate,
  slow: ({ tookMs }) => tookMs >= SLOW_MS,
  'cold start': ({ isColdStart }) => isColdStart,
  'anything else': () => true,
};
const REASONS: Readonly<Record<string, KeepReason | undefined>> = {
  errors: 'errors',
  deadline: 'deadline',
  slow: 'slow',
  cold: 'cold',
  'not kept': undefined,
};

type Row = readonly [rule: string, shown: string, because: string];

function readTable(): readonly Row[] {
  const page = readFileSync(new URL('../../../docs/delivery.md', import.meta.url), 'utf8');
  const [, body = ''] = /^\| Rule \| What its end shows \| Kept because \|\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(page) ?? [];
  const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim());
  return body
    .trim()
    .split('\n')
    .map((line) => cells(line).slice(1, 4) as unknown as Row);
}

const BOTH = [false, true];

function* rules(): Generator<KeepRules> {
  for (const errors of BOTH)
    for (const cold of BOTH) for (const slowMs of [undefined, SLOW_MS]) yield { errors, cold, slowMs };
}

function* ends(): Generator<EndFacts> {
  for (const isFailed of BOTH)
    for (const isLate of BOTH)
      for (const isColdStart of BOTH)
        for (const tookMs of [0, SLOW_MS - 0.001, SLOW_MS, 1e9]) yield { isFailed, isLate, isColdStart, tookMs };
}

test('F172: the table says something, and in words that are known here', () => {
  const rows = readTable();
  assert.equal(rows.length, 5);
  for (const [rule, shown, because] of rows) {
    assert.ok(Object.hasOwn(RULES, rule), rule);
    assert.ok(Object.hasOwn(SHOWN, shown), shown);
    assert.ok(Object.hasOwn(REASONS, because), because);
  }
  assert.deepEqual(rows.at(-1), ['any', 'anything else', 'not kept']);
});

test('F172: the code decides what the table says, in every situation', () => {
  const rows = readTable();
  const used = new Set<Row>();
  for (const set of rules()) {
    for (const facts of ends()) {
      const row = rows.find(([rule, shown]) => RULES[rule]!(set) && SHOWN[shown]!(facts))!;
      used.add(row);
      assert.equal(decideTail(set, facts), REASONS[row[2]], JSON.stringify({ set, facts }));
    }
  }
  assert.equal(used.size, rows.length, 'a line that never counts');
});
