// Numbers as people read them, and text that fits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration, styleOf, truncated, truncatedAtStart, widthOf } from '../../local/terminal.ts';

test('durations', () => {
  const cases = [
    [0, '0 ms'],
    [0.344, '0.34 ms'],
    [0.999, '1 ms'],
    [3.44, '3.4 ms'],
    [9.96, '10 ms'],
    [118.3, '118 ms'],
    [999.6, '1 s'],
    [1240, '1.24 s'],
    [59_996, '1 m 00 s'],
    [125_000, '2 m 05 s'],
  ] as const;
  for (const [ms, expected] of cases) assert.equal(formatDuration(ms), expected);
});

test('bytes', () => {
  assert.deepEqual([999, 1900, 2_400_000].map(formatBytes), ['999 B', '1.9 KB', '2.4 MB']);
});

test('widths count columns, not characters', () => {
  assert.deepEqual(['abc', 'ü', 'e\u0301', '日本', '👩‍👩‍👧'].map(widthOf), [3, 1, 1, 4, 2]);
});

test('truncation keeps to the columns and never splits a character', () => {
  assert.equal(truncated('price order', 11, '…'), 'price order');
  assert.equal(truncated('price order', 8, '…'), 'price o…');
  assert.equal(truncated('日本語', 5, '…'), '日本…');
  assert.equal(truncated('日本語', 4, '…'), '日…');
});

test('truncation at the start keeps the end, in columns and whole characters', () => {
  assert.equal(truncatedAtStart('lib/half.js', 11, '…'), 'lib/half.js');
  assert.equal(truncatedAtStart('lib/half.js', 8, '…'), '…half.js');
  assert.equal(truncatedAtStart('日本語', 5, '…'), '…本語');
  assert.equal(truncatedAtStart('日本語', 4, '…'), '…語');
  assert.equal(truncatedAtStart('a\x1b/b.js', 80, '…'), 'a·/b.js');
});

test('paint only when told', () => {
  assert.equal(styleOf(false)('red', 'x'), 'x');
  assert.equal(styleOf(true)('red', 'x'), '\x1b[31mx\x1b[0m');
  assert.equal(styleOf(true)('red', '  '), '  ');
});
