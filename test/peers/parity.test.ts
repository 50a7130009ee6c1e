// The differential test: AWS's own runtime clients and this runtime, the same functions, the same events, the same emulator.
// What differs must stand in docs/differences.md, and what stands there must differ.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { XraySink } from '../../local/sinks/xray-sink.ts';
import { answerCases } from './cases/answers.ts';
import { loadingCases } from './cases/loading.ts';
import { streamingCases } from './cases/streaming.ts';
import { surroundingCases } from './cases/surroundings.ts';
import { type CaseVerdict, compareCase } from './comparison.ts';
import { type Difference, idleParts, readDifferences } from './differences-table.ts';
import { parityItems } from './parity-items.ts';
import { countOtherTests, formatParityTable, isCovered, makeParityTable } from './parity-table.ts';
import { providePeers } from './peer-install.ts';
import { observeAll } from './subjects.ts';

const cases = [...answerCases, ...loadingCases, ...surroundingCases, ...streamingCases];
const rows = readDifferences(new URL('../../docs/differences.md', import.meta.url));

/** Emulators that run at once: what a case waits for is mostly timers and the starts of processes. */
const CONCURRENCY = 3;

const peers = await providePeers((text) => console.log(`test/peers: ${text}`));
const skip = 'missing' in peers ? peers.missing : false;
if (skip !== false) console.log(`test/peers: SKIPPED, ${skip}`);

const sink = new XraySink();
await sink.open();
after(() => sink.close());

test('the items of cases and rows are those of the list, and names of cases are unique', () => {
  const named = [...cases, ...rows].flatMap(({ items }) => items);
  assert.deepEqual(
    named.filter((id) => !parityItems.has(id)),
    [],
  );
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  assert.equal(parityItems.size, 114);
});

const verdicts = new Map<string, CaseVerdict>();

test('what the managed runtimes do', { skip, concurrency: CONCURRENCY }, async (t) => {
  assert.ok(!('missing' in peers));
  let done = 0;
  await Promise.all(
    cases.map((one) =>
      t.test(`${one.items.join(' ')} ${one.name}`, async () => {
        const verdict = compareCase(one.name, await observeAll(one, peers, sink.address), rows);
        verdicts.set(one.name, verdict);
        if (++done % 40 === 0) console.log(`test/peers: ${done} of ${cases.length} cases`);
        assert.equal(describe(verdict.unexplained), '');
      }),
    ),
  );
});

test('every row of docs/differences.md still differs', { skip }, () => {
  const differences = [...verdicts.values()].flatMap((verdict) => verdict.differences);
  const idle = rows.flatMap((row) => {
    const parts = idleParts(row, differences);
    return parts.length === 0 ? [] : [`${row.text}\n  no longer needed: ${parts.join('; ')}`];
  });
  assert.equal(idle.join('\n'), '');
});

test('all items of the parity list are covered', { skip }, () => {
  const table = makeParityTable(cases, verdicts, rows, countOtherTests());
  console.log(formatParityTable(table));
  assert.deepEqual(
    table.filter((row) => !isCovered(row)).map(({ id, title }) => `${id} ${title}`),
    [],
  );
});

function describe(differences: readonly Difference[]): string {
  return differences
    .map(({ mode, family, side, line }) => {
      const against = mode === 'default' ? `without a setting, against Node ${family}` : `against Node ${family}`;
      return `${side === 'theirs' ? '- ' : '+ '}${line}   (${against})`;
    })
    .join('\n');
}
