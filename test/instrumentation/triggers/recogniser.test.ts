// The rare rows may live in a bundle of their own: they are asked for when an event may be theirs, and only then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rareRows } from '../../../instrumentation/triggers/rare-table.ts';
import { createRecogniser } from '../../../instrumentation/triggers/recogniser.ts';
import { frequentRows, lastRows } from '../../../instrumentation/triggers/table.ts';
import { optionsOf, readCorpus } from './event-corpus.ts';

const rare = new Set(rareRows.map((row) => row.source));
const last = new Set(lastRows.map((row) => row.source));

test('rare rows are loaded for the events of rare sources and for no others of the corpus', () => {
  for (const entry of readCorpus()) {
    let loads = 0;
    const recognise = createRecogniser(() => {
      loads++;
      return rareRows;
    });
    const { source } = entry.expectation;
    assert.equal(recognise(JSON.parse(entry.json), optionsOf(entry)).source, source, entry.name);
    // A destination's event holds another one, which is looked for among the rare ones as well when it needs to be.
    assert.equal(loads, rare.has(source) ? 1 : 0, entry.name);
  }
});

test('a plain payload is recognised without the rare rows', () => {
  const recognise = createRecogniser(() => assert.fail('rare rows were asked for'));
  for (const event of [{}, { orderId: 42 }, { name: 'x', headers: {} }, 'text', null, 7]) {
    assert.equal(recognise(event).source, 'direct');
  }
});

test('rare rows that cannot be loaded leave the event unknown', () => {
  const recognise = createRecogniser(() => {
    throw new Error('no such file');
  });
  assert.equal(recognise({ awslogs: { data: 'x' } }).source, 'unknown');
});

test('no row stands in two tables, and the last one takes everything', () => {
  const sources = [...frequentRows.map((row) => row.source), ...rare, ...last];
  assert.equal(new Set(sources).size, sources.length);
  assert.equal([...last].at(-1), 'direct');
});

test('a destination delivers an earlier event of any JSON type', () => {
  for (const requestPayload of [[1], 'text', 7, null]) {
    const { source, consumer } = createRecogniser(() => rareRows)({
      requestContext: { functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:pay:1', condition: 'Success' },
      requestPayload,
    });
    assert.equal(source, 'lambda-destination', JSON.stringify(requestPayload));
    assert.equal(consumer?.name, 'process pay');
  }
});
