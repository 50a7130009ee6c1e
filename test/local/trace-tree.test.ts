// Documents and spans become the same tree.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { spansOfDocuments, spansOfOtlp, type TraceNode, treeOf } from '../../local/trace-tree.ts';

const outline = (nodes: readonly TraceNode[]): unknown[] =>
  nodes.map(({ span, children }) => (children.length === 0 ? span.name : [span.name, ...outline(children)]));

const document = (id: string, name: string, start: number, fields: Partial<XrayDocument> = {}): XrayDocument => ({
  id,
  name,
  start_time: start,
  end_time: start + 1,
  ...fields,
});

test('embedded and independent documents form one tree, in the order of their start', () => {
  const documents = [
    document('o', 'Overhead', 5, { parent_id: 'segment' }),
    document('d', 'detached', 3, { parent_id: 'v' }),
    document('v', 'Invocation', 2, {
      parent_id: 'segment',
      subsegments: [
        document('b', 'second', 2.5),
        document('a', 'first', 2.1, { subsegments: [document('x', 'inner', 2.2)] }),
      ],
    }),
  ];
  assert.deepEqual(outline(treeOf(spansOfDocuments(documents))), [
    ['Invocation', ['first', 'inner'], 'second', 'detached'],
    'Overhead',
  ]);
});

test('a complete document replaces the one in progress, in either order', () => {
  const { end_time: _, ...open } = document('v', 'Invocation', 1, { in_progress: true });
  const complete = document('v', 'Invocation', 1, { fault: true });
  for (const documents of [
    [open, complete],
    [complete, open],
  ]) {
    const spans = spansOfDocuments(documents as XrayDocument[]);
    assert.deepEqual(
      spans.map(({ endMs, isError }) => [endMs, isError]),
      [[2000, true]],
    );
  }
});

test('the note is what HTTP says', () => {
  const [span] = spansOfDocuments([
    document('h', 'shop', 1, { throttle: true, http: { request: { method: 'GET' }, response: { status: 429 } } }),
  ]);
  assert.deepEqual([span?.note, span?.isError], ['GET 429 throttled', true]);
});

test('of an AWS call it says the operation, of a statement its verb', () => {
  const spans = spansOfDocuments([
    document('d', 'DynamoDB', 1, { aws: { operation: 'GetItem' }, http: { response: { status: 200 } } }),
    document('p', 'shop@127.0.0.1', 2, { sql: { sanitized_query: 'SELECT ? AS a' } }),
    document('i', 'Invocation', 3, { aws: { operation: 7 }, sql: {} }),
  ]);
  assert.deepEqual(
    spans.map(({ note }) => note),
    ['GetItem 200', 'SELECT', ''],
  );
});

test('OTLP spans keep nanoseconds to the microsecond', () => {
  const received = {
    traceId: 't',
    spanId: 's',
    parentSpanId: '',
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: '1710334643120001001',
    endTimeUnixNano: '1710334643340500000',
    status: { code: 2 },
    flat: { 'http.response.status_code': 500 },
    resource: {},
    scope: undefined,
  } satisfies ReceivedSpan;
  const [span] = spansOfOtlp([received]);
  assert.deepEqual(
    { ...span, startMs: span?.startMs.toFixed(3), endMs: span?.endMs?.toFixed(3) },
    {
      id: 's',
      parentId: undefined,
      name: 'GET /',
      note: '500',
      startMs: '1710334643120.001',
      endMs: '1710334643340.500',
      isError: true,
    },
  );
});
