// docs/what-is-traced.md says what the table does: every row, every attribute, nothing else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ownAttributes } from '../../instrumentation/triggers/documentation/own-attributes.ts';
import { sharedAttributes } from '../../instrumentation/triggers/documentation/row-documentation.ts';
import { rareRows } from '../../instrumentation/triggers/rare-table.ts';
import { frequentRows, lastRows } from '../../instrumentation/triggers/table.ts';
import { rowDocumentation, whatIsTracedPage } from '../../layer/docs-what-is-traced.ts';
import { type CorpusEntry, type Expectation, readCorpus } from '../instrumentation/triggers/event-corpus.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/what-is-traced.md'), 'utf8');
const corpus = readCorpus();

/** Attributes that only an option adds, or that any source with a time has: the page tells of them once, not in every row. */
const inGeneral =
  /^(http\.(request\.(header|body)\.|(method|target|scheme|user_agent|client_ip|host|flavor)$)|net\.|messaging\.(operation|message\.body\.size)$|lambda\.event_wait_ms$)/;

function spanAttributes({ attributes, consumer }: Expectation): string[] {
  return Object.keys({ ...attributes, ...consumer?.attributes }).filter((name) => !inGeneral.test(name));
}

function union(entries: readonly CorpusEntry[], read: (expectation: Expectation) => string[]): string[] {
  return [...new Set(entries.flatMap(({ expectation }) => read(expectation)))].sort();
}

test('docs/what-is-traced.md is what the table gives: run `node layer/docs-what-is-traced.ts > docs/what-is-traced.md` after a change', () => {
  assert.equal(page, whatIsTracedPage());
});

test('every row is documented, and no other', () => {
  const sources = [...frequentRows, ...rareRows, ...lastRows].map((row) => row.source);
  assert.deepEqual(Object.keys(rowDocumentation).sort(), sources.sort());
});

for (const [source, row] of Object.entries(rowDocumentation)) {
  test(`${source} has the attributes that its documentation lists`, () => {
    const entries = corpus.filter(({ expectation }) => expectation.source === source);
    const shared = new Set(row.shares === undefined ? [] : sharedAttributes[row.shares]);
    const found = union(entries, spanAttributes).filter((name) => !shared.has(name));
    assert.deepEqual(found, [...row.attributes].filter((name) => !shared.has(name)).sort());
    const linked = union(entries, ({ links }) => links.flatMap(({ attributes }) => Object.keys(attributes)));
    assert.deepEqual(linked, [...(row.linkAttributes ?? [])].sort());
    const named = entries.some(({ expectation }) => expectation.spanName !== null);
    assert.equal(named, row.spanName !== undefined, 'a span name');
    const consumed = entries.some(({ expectation }) => expectation.consumer !== null);
    assert.equal(consumed, row.consumerName !== undefined, 'a CONSUMER span');
  });
}

test('shared attributes are found in the corpus, all of them', () => {
  for (const [family, attributes] of Object.entries(sharedAttributes)) {
    const entries = corpus.filter(({ expectation }) => rowDocumentation[expectation.source]?.shares === family);
    const found = new Set(union(entries, spanAttributes));
    for (const name of attributes) assert.ok(found.has(name), name);
  }
});

test('every attribute outside the conventions has its meaning, and no other has one', () => {
  const ours = /^(alb|alexa|lambda)\.|^aws\./;
  // Names that the registry of the conventions has.
  const registered = new Set([
    'aws.dynamodb.table_names',
    'aws.kinesis.stream_name',
    'aws.s3.bucket',
    'aws.s3.key',
    'aws.secretsmanager.secret.arn',
    'aws.sns.topic.arn',
    'aws.sqs.queue.url',
    'aws.step_functions.state_machine.arn',
  ]);
  const used = new Set(['lambda.event_wait_ms', 'lambda.batch_item_failures']);
  for (const { attributes, linkAttributes = [] } of Object.values(rowDocumentation)) {
    for (const name of [...attributes, ...linkAttributes]) if (ours.test(name) && !registered.has(name)) used.add(name);
  }
  assert.deepEqual(Object.keys(ownAttributes).sort(), [...used].sort());
});
