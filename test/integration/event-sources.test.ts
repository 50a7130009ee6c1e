// The whole corpus of events through the built layer: what each one's spans say, whom they follow and what they link to, against
// the same expectations that recognition is tested with. Every set of options is a function with the variables that set them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import { type CorpusEntry, type Expectation, readCorpus } from '../instrumentation/triggers/event-corpus.ts';
import { startFunction } from '../support/function-under-test.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
const TRACE = '65f1a2b30123456789abcdef01234567';
const HEADER = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0`;
const LAMBDA = `${TRACE}-53995c3f42cd8ad8`;
const SERVER = 2;
const CONSUMER = 5;

const files = { 'index.mjs': 'export const handler = async () => ({ statusCode: 200 });' };

function environmentOf({ given: { options = {} } = {} }: Expectation): Record<string, string> {
  const { semconvOptIn, requestHeaders, capturesBodySizes, readsDatadog, ...others } = options;
  assert.deepEqual(others, {}, 'options that this test cannot set');
  return {
    ...(semconvOptIn && { OTEL_SEMCONV_STABILITY_OPT_IN: semconvOptIn.join() }),
    ...(requestHeaders && { OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS: requestHeaders.join() }),
    ...(capturesBodySizes && { SPANSTRAP_CAPTURE_BODY_SIZES: 'true' }),
    ...(readsDatadog && { OTEL_PROPAGATORS: 'tracecontext,baggage,xray,datadog' }),
  };
}

/** What does not come from the event: the invocation's own attributes, and how long ago 2024 was. */
const notOfTheEvent =
  /^(?:faas\.(?:invocation_id|trigger|coldstart)|cloud\.|aws\.lambda\.|aws\.xray\.|http\.response\.|http\.status_code|lambda\.(?:event_wait_ms|frozen_ms)|spanstrap\.overhead_us)/;

const ofTheEvent = (attributes: object): object =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !notOfTheEvent.test(name)));

type Headers = Readonly<Record<string, string>>;

/** Trace and span of the context in some headers, W3C first. */
function contextIn(headers: Headers): string | undefined {
  const w3c = /^00-(\w{32})-(\w{16})-/.exec(headers['traceparent'] ?? '');
  if (w3c !== null) return `${w3c[1]}-${w3c[2]}`;
  const { 'x-datadog-trace-id': trace, 'x-datadog-parent-id': parent } = headers;
  const hex = (text: string): string => BigInt(text).toString(16).padStart(16, '0');
  if (trace !== undefined && parent !== undefined) return `${hex(trace).padStart(32, '0')}-${hex(parent)}`;
  const xray = /Root=1-(\w{8})-(\w{24});Parent=(\w{16})/.exec(headers['x-amzn-trace-id'] ?? '');
  return xray === null ? undefined : `${xray[1]}${xray[2]}-${xray[3]}`;
}

function check({ name, expectation }: CorpusEntry, spans: readonly ReceivedSpan[]): void {
  const server = spans.find(({ kind }) => kind === SERVER)!;
  assert.equal(server.name, expectation.spanName ?? 'test-function', name);
  assert.equal(server.flat['faas.trigger'], expectation.faasTrigger, name);
  assert.deepEqual(ofTheEvent(server.flat), ofTheEvent(expectation.attributes), name);

  const consumers = spans.filter(({ kind }) => kind === CONSUMER);
  const { consumer } = expectation;
  assert.deepEqual(
    consumers.map((span) => [span.name, ofTheEvent(span.flat)]),
    consumer === null ? [] : [[consumer.name, ofTheEvent(consumer.attributes)]],
    name,
  );
  for (const span of consumers) {
    const invocation = spans.find(({ spanId }) => spanId === span.parentSpanId);
    assert.equal(invocation?.name, 'Invocation', name);
  }
  const messages = expectation.links.map(({ headers }) => contextIn(headers));
  const linksOf = (span: ReceivedSpan): string[] => (span.links ?? []).map((link) => `${link.traceId}-${link.spanId}`);
  if (consumers[0] !== undefined) assert.deepEqual(linksOf(consumers[0]), messages, name);

  // An X-Ray header in the event does not come before Lambda's own.
  const { 'x-amzn-trace-id': xray = '', ...others } = expectation.carrierHeaders;
  const parent = contextIn(others);
  assert.equal(`${server.traceId}-${server.parentSpanId ?? ''}`, parent ?? `${TRACE}-`, name);
  // Traces that are not followed are linked to; so are records that are no messages, such as a table's changes.
  const unfollowed = [LAMBDA, contextIn({ 'x-amzn-trace-id': xray })].filter(
    (context) => context !== undefined && !context.startsWith(server.traceId),
  );
  assert.deepEqual(linksOf(server), [...(consumer === null ? messages : []), ...unfollowed], name);
}

const groups = new Map<string, CorpusEntry[]>();
for (const entry of readCorpus()) {
  const key = JSON.stringify(environmentOf(entry.expectation));
  groups.set(key, [...(groups.get(key) ?? []), entry]);
}

for (const [key, entries] of groups) {
  test(`${entries.length} events of the corpus with ${key}`, async () => {
    await using fn = await startFunction({ files, environment: JSON.parse(key) });
    for (const entry of entries) {
      const { clientContextJson } = entry.expectation.given?.delivery ?? {};
      const before = fn.otlp.spans.length;
      const result = await fn.invoke(entry.json, {
        traceHeader: HEADER,
        ...(clientContextJson === undefined ? {} : { clientContext: clientContextJson }),
      });
      assert.equal(result.status, 'success', entry.name);
      check(entry, fn.otlp.spans.slice(before));
    }
    assert.deepEqual(fn.xray.violations, []);
    for (const document of fn.xray.documents) assert.equal(document.trace_id, ROOT);
  });
}

test('flat: one span for invocation and messages; a message that comes alone may be the parent', async () => {
  const sqs = readCorpus().find(({ name }) => name === 'sqs')!;
  await using fn = await startFunction({
    files,
    environment: { SPANSTRAP_MESSAGING_SPANS: 'flat', SPANSTRAP_MESSAGING_CONTEXT: 'parent' },
  });
  await fn.invoke(sqs.json, { traceHeader: HEADER });
  const consumer = fn.otlp.spans.find(({ kind }) => kind === CONSUMER)!;
  const { name, attributes } = sqs.expectation.consumer!;
  assert.equal(consumer.name, name);
  assert.equal(consumer.flat['faas.trigger'], 'pubsub');
  assert.equal(consumer.flat['messaging.destination.name'], attributes['messaging.destination.name']);
  assert.equal(`${consumer.traceId}-${consumer.parentSpanId}`, contextIn(sqs.expectation.links[0]!.headers));
  assert.deepEqual(
    (consumer.links ?? []).map(({ traceId }) => traceId),
    ['66f1a2b30123456789abcdef01234567', TRACE],
    'the other trace of the message, and the one that Lambda began',
  );
  assert.deepEqual(
    fn.otlp.spans.map((span) => [span.name, span.kind]).filter(([, kind]) => kind === SERVER),
    [],
  );
  assert.deepEqual(fn.xray.documents.map((document) => document.name).sort(), [
    'Initialization',
    'Invocation',
    'Overhead',
  ]);
  assert.deepEqual(fn.xray.violations, []);
});

test('pings that keep the function warm are left out when that is wanted', async () => {
  await using fn = await startFunction({ files, environment: { SPANSTRAP_DROP_WARM_UPS: 'true' } });
  await fn.invoke({ warmer: true, concurrency: 1 }, { traceHeader: HEADER });
  assert.deepEqual([fn.otlp.spans.length, fn.xray.documents.length], [0, 0]);
  await fn.invoke({ order: 1 }, { traceHeader: HEADER });
  const server = fn.otlp.spans.find(({ kind }) => kind === SERVER)!;
  assert.equal(server.flat['faas.coldstart'], false);
});

const record = (more: object = {}): object => ({ eventSource: 'aws:sqs', messageId: 'm', body: '{}', ...more });
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

for (const [what, json] of [
  ['Records that are a text', '{"Records":"aws:sqs"}'],
  ['10 000 records', JSON.stringify({ Records: Array.from({ length: 10_000 }, () => record()) })],
  ['6 MB in one body', JSON.stringify({ Records: [record({ body: 'x'.repeat(6_000_000) })] })],
  ['6 MB of headers', JSON.stringify({ ...httpShape(), headers: Object.fromEntries(manyNames(100_000)) })],
  ['6 MB of partitions', JSON.stringify({ eventSource: 'aws:kafka', records: Object.fromEntries(manyNames(100_000)) })],
  ['1000 levels', deep(1000)],
  [
    'headers that are lists, numbers and null',
    JSON.stringify({ ...httpShape(), headers: { traceparent: [null, 7], host: 7, x: null } }),
  ],
  [
    'names of prototypes',
    '{"__proto__":{"Records":[]},"constructor":1,"Records":[{"eventSource":"aws:sqs","__proto__":null}]}',
  ],
  ['a list', '[1,[2],{}]'],
  ['null', 'null'],
] as const) {
  test(`${what}: the handler gets what it would have got, and there is a span`, async () => {
    await using fn = await startFunction({
      files: {
        'index.mjs': `import { createHash } from 'node:crypto'; export const handler = async (event) => createHash('sha256').update(JSON.stringify(event)).digest('hex');`,
      },
    });
    const result = await fn.invoke(json, { traceHeader: HEADER });
    const expected = createHash('sha256')
      .update(JSON.stringify(JSON.parse(json)))
      .digest('hex');
    assert.equal(result.payload.toString(), JSON.stringify(expected));
    assert.equal(fn.otlp.spans.filter(({ kind }) => kind === SERVER).length, 1);
    assert.deepEqual(fn.xray.violations, []);
    assert.deepEqual(
      fn.emulator.logs.filter((line) => line.includes('spanstrap')),
      [],
    );
  });
}

function httpShape(): object {
  return { version: '2.0', rawQueryString: '', requestContext: { http: { method: 'GET', path: '/' } } };
}

/** So many names with values, about 50 bytes each. */
function manyNames(count: number): [string, string][] {
  return Array.from({ length: count }, (_, at) => [`name-${at}-${'x'.repeat(20)}`, 'y'.repeat(20)]);
}
