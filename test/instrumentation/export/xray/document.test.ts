import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSpan, kinds, type SpanDescription } from '../../span-builder.ts';
import { allOf, draw, drawOne, placement, withDescendants } from './drawing.ts';

const { INTERNAL, SERVER, CLIENT } = kinds;
const { serverSpanId, invocationSpanId, parentId } = placement;

const server = (description: SpanDescription = {}) =>
  buildSpan({ id: serverSpanId, kind: SERVER, name: 'GET /orders/{id}', ...description });
const invocation = (description: SpanDescription = {}) =>
  buildSpan({ id: invocationSpanId, parent: serverSpanId, name: 'Invocation', ...description });
const phase = (name: string, id?: string) =>
  buildSpan({ name, parent: serverSpanId, ...(id === undefined ? {} : { id }) });

test('a cold invocation: three documents under the header, children inside, none for the server span', () => {
  const { documents, texts } = draw([
    server({ isParentRemote: true, parent: 'dddddddddddddddd' }),
    phase('Initialization', 'bb00000000000001'),
    buildSpan({ name: 'module load', parent: 'bb00000000000001' }),
    invocation(),
    buildSpan({ id: 'bb00000000000002', name: 'outer', parent: invocationSpanId }),
    buildSpan({ name: 'inner', parent: 'bb00000000000002' }),
    phase('Overhead'),
  ]);
  assert.deepEqual(
    documents.map(({ name, parent_id, trace_id, type }) => [name, parent_id, trace_id, type]),
    ['Invocation', 'Initialization', 'Overhead'].map((name) => [name, parentId, placement.traceId, 'subsegment']),
  );
  assert.deepEqual(
    [...withDescendants(documents[0]!)].map(({ name }) => name),
    ['Invocation', 'outer', 'inner'],
  );
  assert.deepEqual(
    [...withDescendants(documents[1]!)].map(({ name }) => name),
    ['Initialization', 'module load'],
  );
  assert.ok(texts.every((text) => text.startsWith('{"id":"') && !/[\n ]"|: /.test(text)));
});

test('the keys stand in the order of the wire', () => {
  const { texts } = draw([
    buildSpan({
      id: 'bb00000000000001',
      kind: CLIENT,
      name: 'query',
      status: { code: 2, message: 'm' },
      attributes: {
        'aws.xray.annotations': ['a'],
        a: 1,
        b: 2,
        'db.system': 'mysql',
        'http.status_code': 429,
        'aws.region': 'r',
      },
    }),
    buildSpan({ parent: 'bb00000000000001' }),
  ]);
  assert.deepEqual(Object.keys(JSON.parse(texts[0]!) as object), [
    'id',
    'trace_id',
    'type',
    'parent_id',
    'name',
    'namespace',
    'start_time',
    'end_time',
    'error',
    'throttle',
    'cause',
    'http',
    'aws',
    'sql',
    'annotations',
    'metadata',
    'subsegments',
  ]);
});

test('the server span gives the Invocation its http, aws, annotations and metadata; its own attributes win', () => {
  const { documents } = draw([
    server({
      attributes: {
        'faas.invocation_id': 'REQ',
        'cloud.account.id': '123456789012',
        'cloud.resource_id': 'arn:aws:lambda:eu-west-1:123456789012:function:orders:7',
        'http.request.method': 'GET',
        'url.scheme': 'https',
        'server.address': 'shop.example',
        'url.path': '/orders/1',
        'client.address': '203.0.113.7',
        'http.route': '/orders/{id}',
        'http.response.status_code': 404,
        'aws.xray.annotations': ['tenant'],
        tenant: 'acme',
        both: 'server',
      },
      events: [{ name: 'woke' }],
    }),
    invocation({ attributes: { 'aws.xray.annotations': ['mine'], mine: 1, both: 'invocation' } }),
  ]);
  const [drawn] = documents;
  assert.equal(documents.length, 1);
  assert.equal(drawn!.name, 'Invocation');
  assert.equal(drawn!.namespace, undefined);
  assert.equal(drawn!.error, true);
  assert.deepEqual(drawn!.http, {
    request: { method: 'GET', url: 'https://shop.example/orders/1', client_ip: '203.0.113.7' },
    response: { status: 404 },
  });
  assert.deepEqual(drawn!.aws, {
    account_id: '123456789012',
    function_arn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders:7',
    request_id: 'REQ',
  });
  assert.deepEqual(drawn!.annotations, { tenant: 'acme', mine: 1 });
  assert.deepEqual(drawn!.metadata, {
    default: { 'http.route': '/orders/{id}', both: 'invocation' },
    events: { 0: { name: 'woke', time: 1710334643.120001 } },
  });
});

test('no attribute changes the name of a phase', () => {
  const { documents } = draw([invocation({ attributes: { 'peer.service': 'x' } }), phase('Overhead')]);
  assert.deepEqual(
    documents.map(({ name }) => name),
    ['Invocation', 'Overhead'],
  );
});

test('the server span alone has no document', () => {
  assert.deepEqual(draw([server()]).documents, []);
});

const parents: readonly (readonly [string, SpanDescription, string])[] = [
  ['no parent', {}, parentId],
  ['the server span', { parent: serverSpanId }, parentId],
  ['a span of another process', { parent: 'eeeeeeeeeeeeeeee', isParentRemote: true }, parentId],
  ['an invalid parent', { parent: '0000000000000000' }, parentId],
  ['itself', { id: 'bb00000000000009', parent: 'bb00000000000009' }, parentId],
  ['an Invocation that left before', { parent: invocationSpanId }, invocationSpanId],
  ['a span that left before', { parent: 'eeeeeeeeeeeeeeee', isParentRemote: false }, 'eeeeeeeeeeeeeeee'],
];
for (const [what, description, expected] of parents) {
  test(`a late span hangs under the right parent: ${what}`, () => {
    assert.equal(drawOne(description).parent_id, expected);
  });
}

test('ids of the header come out in lower case', () => {
  const upper = { ...placement, traceId: placement.traceId.toUpperCase(), parentId: parentId.toUpperCase() };
  const { documents } = draw([buildSpan()], { placement: upper });
  assert.equal(documents[0]!.trace_id, placement.traceId);
  assert.equal(documents[0]!.parent_id, parentId);
});

test('times: microseconds, rounded without an end before the start', () => {
  const cases = [
    [[1710334643, 120001000], [1710334643, 120001499], '1710334643.120001', '1710334643.120001'],
    [[1710334643, 999999999], [1710334644, 0], '1710334644', '1710334644'],
    [[1710334643, 999999400], [1710334643, 999999600], '1710334643.999999', '1710334644'],
    [[1710334643, 500], [1710334642, 0], '1710334643.000001', '1710334643.000001'],
    [[1710334643, 0], [0, 0], '1710334643', '1710334643'],
    [[Number.NaN, 0], [1710334643, 5000], '1710334643.000005', '1710334643.000005'],
  ] as const;
  for (const [start, end, from, to] of cases) {
    const { texts } = draw([buildSpan({ start: [...start], end: [...end] })]);
    assert.ok(texts[0]!.includes(`"start_time":${from},"end_time":${to}`), texts[0]);
  }
});

test('times that are none at all become now', () => {
  const before = Date.now() / 1000;
  const { start_time, end_time } = drawOne({ start: [Number.NaN, 0], end: [0, Number.NaN] });
  assert.ok(start_time >= before - 1 && start_time <= Date.now() / 1000 && end_time === start_time);
});

test('a span that has not ended is in progress', () => {
  const { documents } = draw([
    invocation({ ended: false, end: [0, 0] }),
    buildSpan({ parent: invocationSpanId, ended: false }),
    buildSpan({ parent: invocationSpanId }),
  ]);
  const [open, running, done] = withDescendants(documents[0]!);
  assert.deepEqual([open!.in_progress, open!.end_time], [true, undefined]);
  assert.deepEqual([running, done].map((one) => one!.in_progress).sort(), [true, undefined]);
});

test('two spans of one id are both drawn, the second under an id of its own', () => {
  const { documents } = draw([
    buildSpan({ id: 'bb00000000000001', name: 'first' }),
    buildSpan({ id: 'bb00000000000001', name: 'second' }),
    buildSpan({ parent: 'bb00000000000001', name: 'child' }),
    buildSpan({ id: 'xyz', name: 'invalid' }),
  ]);
  const all = allOf(documents);
  assert.deepEqual(all.map(({ name }) => name).sort(), ['child', 'first', 'invalid', 'second']);
  assert.equal(new Set(all.map(({ id }) => id)).size, 4);
  const second = all.find(({ name }) => name === 'second');
  assert.deepEqual(second!.metadata, { spanstrap: { replaced_id: 'bb00000000000001' } });
});

test('the same span twice is one span', () => {
  const span = buildSpan();
  assert.equal(draw([span, span]).documents.length, 1);
});

test('a circle of parents is cut once, with what hangs on it', () => {
  const ids = ['bb00000000000001', 'bb00000000000002', 'bb00000000000003'] as const;
  const { documents } = draw([
    buildSpan({ name: 'leaf', parent: ids[0] }),
    buildSpan({ name: 'a', id: ids[0], parent: ids[2] }),
    buildSpan({ name: 'b', id: ids[1], parent: ids[0] }),
    buildSpan({ name: 'c', id: ids[2], parent: ids[1] }),
    buildSpan({ name: 'bystander' }),
  ]);
  assert.equal(documents.length, 2);
  assert.ok(documents.every((document) => document.parent_id === parentId));
  assert.deepEqual(
    allOf(documents)
      .map(({ name }) => name)
      .sort(),
    ['a', 'b', 'bystander', 'c', 'leaf'],
  );
});

test('prefixed: the phases under names that Lambda does not use', () => {
  const spans = [
    phase('Initialization'),
    invocation(),
    phase('Overhead'),
    buildSpan({ name: 'Overhead', kind: INTERNAL }),
  ];
  assert.deepEqual(
    draw(spans, { mode: 'prefixed' }).documents.map(({ name }) => name),
    ['Handler', 'Runtime init', 'Runtime overhead', 'Overhead'],
  );
});

test('attach: no phases, what was below the Invocation hangs under the header', () => {
  const spans = [
    server(),
    phase('Initialization', 'bb00000000000001'),
    buildSpan({ name: 'module load', parent: 'bb00000000000001' }),
    invocation({ attributes: { a: 1 } }),
    buildSpan({ id: 'bb00000000000002', name: 'outer', parent: invocationSpanId }),
    buildSpan({ name: 'inner', parent: 'bb00000000000002' }),
    buildSpan({ name: 'root' }),
    phase('Overhead'),
  ];
  const { documents } = draw(spans, { mode: 'attach' });
  assert.deepEqual(
    documents.map(({ name, parent_id }) => [name, parent_id]),
    [
      ['outer', parentId],
      ['root', parentId],
    ],
  );
  assert.deepEqual(
    allOf(documents).map(({ name }) => name),
    ['outer', 'inner', 'root'],
  );
});

test('a span that cannot be read keeps name, times and a mark', () => {
  const span = buildSpan({ id: invocationSpanId, name: 'Invocation' });
  Object.defineProperty(span, 'attributes', {
    get() {
      throw new Error('moved out');
    },
  });
  const { documents } = draw([span, buildSpan({ parent: invocationSpanId })]);
  assert.equal(documents[0]!.subsegments!.length, 1);
  assert.deepEqual(documents[0]!.metadata, { spanstrap: { unreadable: 'Error: moved out' } });
});

test('a span that cannot be written costs none of those beside it', () => {
  const span = buildSpan({ id: invocationSpanId, name: 'Invocation', attributes: { kept: 'no' } });
  Object.assign(span, { droppedAttributesCount: 10n });
  const { documents } = draw([span, buildSpan({ parent: invocationSpanId, name: 'child' })]);
  assert.deepEqual(
    allOf(documents).map(({ name }) => name),
    ['Invocation', 'child'],
  );
  const { unreadable } = documents[0]!.metadata!.spanstrap!;
  assert.match(String(unreadable), /BigInt/);
});
