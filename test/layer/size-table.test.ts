// The table of what is inside the layer, and its budgets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildError } from '../../layer/progress.ts';
import { budgets, checkBudgets, formatSizeTable, makeSizeTable, type SizedFile } from '../../layer/size-table.ts';

const file = (path: string, part: SizedFile['part'], bytes: number, zippedBytes: number): SizedFile => ({
  path,
  part,
  mode: 0o644,
  contents: new Uint8Array(bytes),
  zippedBytes,
});

const files = [
  file('bin/node', 'node', 108_500, 41_000),
  file('spanstrap/start.cjs', 'runtime', 800, 400),
  file('spanstrap/runtime.cjs', 'runtime', 50_000, 15_000),
  file('spanstrap/otlp.cjs', 'runtime', 30_000, 9_000),
];

test('sums files by part, and takes for the start only what is evaluated before the first poll', () => {
  const table = makeSizeTable(files, 66_000);
  assert.deepEqual(table.rows, [
    { part: 'node', files: 1, bytes: 108_500, zippedBytes: 41_000 },
    { part: 'runtime', files: 3, bytes: 80_800, zippedBytes: 24_400 },
  ]);
  assert.deepEqual(table.total, { part: 'total', files: 4, bytes: 189_300, zippedBytes: 66_000 });
  assert.deepEqual(
    table.budgets.map(({ name, bytes }) => [name, bytes]),
    [
      ['zip', 66_000],
      ['unpacked', 189_300],
      ['script at start', 50_800],
    ],
  );
  assert.doesNotThrow(() => checkBudgets(table));
});

test('is printed in columns within 80 characters', () => {
  const lines = formatSizeTable('dist/spanstrap-node24-x86_64.zip', makeSizeTable(files, 66_000)).split('\n');
  assert.equal(lines.length, 1 + 1 + 2 + 1 + 3);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(lines[2]!, /^ {2}node +1 +109 kB +41 kB$/);
  assert.match(lines.at(-1)!, /^ {2}script at start +51 kB of 100 kB {2}ok$/);
});

test('each exceeded budget is named in the error', () => {
  const overStart = makeSizeTable([file('spanstrap/runtime.cjs', 'runtime', budgets.startScriptBytes, 1)], 10);
  assert.throws(
    () => checkBudgets(overStart),
    (error) => error instanceof BuildError && /script at start is 100000 bytes, budget 100000/.test(error.message),
  );
  const overZip = makeSizeTable(files, budgets.zipBytes);
  assert.throws(() => checkBudgets(overZip), /over budget: zip is 50000000 bytes, budget 50000000$/);
  assert.match(formatSizeTable('', overZip), /zip +50\.0 MB of 50\.0 MB {2}over/);
});
