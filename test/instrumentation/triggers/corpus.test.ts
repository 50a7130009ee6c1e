// Every event of the corpus gives the spans that its expectation file describes; every row of the table has such an event.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rareRows } from '../../../instrumentation/triggers/rare-table.ts';
import { frequentRows, lastRows } from '../../../instrumentation/triggers/table.ts';
import { headersOf, readCorpus, recogniseEntry } from './event-corpus.ts';

const corpus = readCorpus();
const rows = [...frequentRows, ...rareRows, ...lastRows];

for (const entry of corpus) {
  test(`recognises ${entry.name}`, () => {
    const trigger = recogniseEntry(entry);
    const { given: _given, ...expected } = entry.expectation;
    assert.deepEqual(
      {
        source: trigger.source,
        faasTrigger: trigger.faasTrigger,
        spanName: trigger.spanName ?? null,
        attributes: trigger.attributes,
        consumer: trigger.consumer ?? null,
        carrierHeaders: headersOf(trigger.carrier),
        links: trigger.linkCarriers.map(({ carrier, attributes }) => ({ headers: headersOf(carrier), attributes })),
        ...(trigger.sentEpochMs === undefined ? {} : { sentEpochMs: trigger.sentEpochMs }),
      },
      expected,
    );
  });
}

test('every row has an event in the corpus, and every event a row', () => {
  const sources = rows.map((row) => row.source);
  assert.equal(new Set(sources).size, sources.length, 'a source stands twice in the table');
  const fixtures = new Set(corpus.map(({ name }) => name.split('.')[0]));
  assert.deepEqual([...fixtures].sort(), sources.sort());
  for (const { name, expectation } of corpus) assert.equal(name.split('.')[0], expectation.source, name);
});

test('recognition leaves every event of the corpus as it was', () => {
  for (const { name, json } of corpus) {
    const event: unknown = JSON.parse(json);
    recogniseEntry({ name, json, expectation: corpus.find((entry) => entry.name === name)!.expectation });
    assert.deepEqual(event, JSON.parse(json), name);
  }
});
