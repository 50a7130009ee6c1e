// The mode `segment`: a segment of our own, for functions that Lambda writes none for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSpan, ERROR, kinds } from '../../span-builder.ts';
import { allOf, type Drawn, draw, noLimits, placement } from './drawing.ts';

type Segment = Drawn & {
  readonly origin?: string;
  readonly service?: { readonly version: string };
  readonly user?: string;
  readonly links?: readonly { readonly trace_id: string; readonly id: string; readonly attributes?: object }[];
};

const { serverSpanId, invocationSpanId, parentId } = placement;

const resource = { 'service.name': 'orders', 'faas.name': 'orders-prod', 'service.version': '1.4.0' };

const server = buildSpan({
  name: 'GET /orders/{id}',
  kind: kinds.SERVER,
  id: serverSpanId,
  resource,
  attributes: {
    'http.request.method': 'GET',
    'http.response.status_code': 500,
    'url.full': 'https://shop.example/orders/7',
    'cloud.resource_id': 'arn:aws:lambda:eu-west-1:123456789012:function:orders-prod',
    'cloud.account.id': '123456789012',
    'faas.invocation_id': 'r-1',
    'enduser.id': 'u-7',
  },
  status: { code: ERROR },
  links: [
    { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }, attributes: { 'message.id': 'm' } },
    {
      context: { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 1 },
      attributes: { big: 'x'.repeat(9999) },
    },
  ],
});
const invocation = buildSpan({ name: 'Invocation', id: invocationSpanId, parent: serverSpanId, resource });
const overhead = buildSpan({ name: 'Overhead', parent: serverSpanId, resource });
const call = buildSpan({ name: 'GET', kind: kinds.CLIENT, parent: invocationSpanId, resource });

test('one document: the function as a segment, with the phases inside', () => {
  const { documents, texts } = draw([server, invocation, call, overhead], { mode: 'segment' });
  assert.equal(documents.length, 1);
  const segment = documents[0] as Segment;
  assert.ok(
    texts[0]!.startsWith(`{"id":"${serverSpanId}","trace_id":"${placement.traceId}","parent_id":"${parentId}",`),
  );
  assert.equal(segment.type, undefined);
  assert.equal(segment.name, 'orders');
  assert.equal(segment.origin, 'AWS::Lambda::Function');
  assert.deepEqual(segment.service, { version: '1.4.0' });
  assert.equal(segment.user, 'u-7');
  assert.equal(segment.fault, true);
  assert.equal(segment.http?.response?.status, 500);
  assert.deepEqual(segment.aws, {
    account_id: '123456789012',
    function_arn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders-prod',
    request_id: 'r-1',
    resource_names: ['orders-prod'],
  });
  assert.deepEqual(segment.links, [
    { trace_id: `1-${'a'.repeat(8)}-${'a'.repeat(24)}`, id: 'b'.repeat(16), attributes: { 'message.id': 'm' } },
    { trace_id: `1-${'c'.repeat(8)}-${'c'.repeat(24)}`, id: 'd'.repeat(16) },
  ]);
  assert.deepEqual(
    allOf(documents)
      .map(({ name }) => name)
      .sort(),
    ['GET', 'Invocation', 'Overhead', 'orders'],
  );
  const drawn = segment.subsegments?.find(({ name }) => name === 'Invocation');
  assert.equal(drawn?.http, undefined, 'what the SERVER span says stands on the segment');
  assert.equal(drawn?.subsegments?.length, 1);
});

test('what does not fit is cut off as subsegments that hang under the segment', () => {
  const calls = Array.from({ length: 300 }, (_, index) =>
    buildSpan({ name: `call ${index}`, parent: invocationSpanId, attributes: { note: 'x'.repeat(900) } }),
  );
  const { documents } = draw([server, invocation, ...calls, overhead], {
    mode: 'segment',
    limits: { ...noLimits, documentCapBytes: 20_000 },
  });
  const ids = new Set(allOf(documents).map(({ id }) => id));
  assert.equal(ids.size, 303);
  for (const document of documents.slice(1)) {
    assert.equal(document.type, 'subsegment');
    assert.ok(ids.has(document.parent_id!));
  }
});

test('late spans, which come without the SERVER span, hang under the segment that was sent', () => {
  const late = buildSpan({ name: 'late', parent: serverSpanId });
  const { documents } = draw([late], { mode: 'segment' });
  assert.deepEqual([documents[0]?.parent_id, documents[0]?.type], [serverSpanId, 'subsegment']);
});

test('a function without facts about itself is a segment all the same', () => {
  const { documents } = draw([buildSpan({ kind: kinds.SERVER, id: serverSpanId, name: 'x' })], { mode: 'segment' });
  assert.equal(documents[0]?.name, 'x');
  assert.equal((documents[0] as Segment).links, undefined);
});
