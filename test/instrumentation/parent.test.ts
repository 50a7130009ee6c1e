import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTextMapGetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { chooseParent, readTraceparent } from '../../instrumentation/parent.ts';
import type { Carrier } from '../../instrumentation/triggers/trigger.ts';
import { fc } from '../support/property.ts';

const propagator = new W3CTraceContextPropagator();

/** What OpenTelemetry's own propagator reads. */
function official(traceparent: string): unknown {
  const context = propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
  return trace.getSpanContext(context);
}

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const nearlyHex = (length: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: hex(length) },
    { weight: 1, arbitrary: fc.constantFrom('0'.repeat(length), 'f'.repeat(length), 'F'.repeat(length), '') },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('a', '0', 'G', '-', ' '), maxLength: length + 2 }) },
  );
const version = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('00', '01', 'cc', 'ff', '0') }, nearlyHex(2));
const tail = fc.constantFrom('', '', '', '-', '-what', '-01-x', '\n', ' ', '-a\nb', 'x');
const lead = fc.constantFrom('', '', '', ' ', '\t', '  ', 'x');

test('traceparent reads as OpenTelemetry’s own propagator reads it', () => {
  let valid = 0;
  fc.assert(
    fc.property(
      lead,
      version,
      nearlyHex(32),
      nearlyHex(16),
      nearlyHex(2),
      tail,
      (before, ver, traceId, spanId, flags, after) => {
        const text = `${before}${ver}-${traceId}-${spanId}-${flags}${after}`;
        const expected = official(text);
        assert.deepEqual(readTraceparent(text), expected);
        if (expected !== undefined) valid++;
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(valid > 300, `the texts must be valid often enough: ${valid}`);
  fc.assert(fc.property(fc.string(), (text) => assert.deepEqual(readTraceparent(text), official(text))));
  assert.equal(readTraceparent(undefined), undefined);
});

test('traceparent: the examples of the specification', () => {
  assert.deepEqual(readTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'), {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
    isRemote: true,
  });
  assert.equal(readTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00')?.traceFlags, 0);
});

const XRAY_TRACE = '5bef4de7ad49b0e87f6ef6c87fc2e700';
const XRAY_PARENT = '9a9197af755a6419';
const OTHER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const W3C_PARENT = '00f067aa0ba902b7';
const root = (traceId: string): string => `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`;
const lambda = (sampled: string): string => `Root=${root(XRAY_TRACE)};Parent=${XRAY_PARENT}${sampled};Lineage=a:1`;
const carrying = (headers: Record<string, string>): Carrier => ({ get: (name) => headers[name] });
const w3c = (traceId: string, flags = '01'): Carrier =>
  carrying({ traceparent: `00-${traceId}-${W3C_PARENT}-${flags}` });

const remote = (traceId: string, spanId: string, traceFlags: number) => ({
  traceId,
  spanId,
  traceFlags,
  isRemote: true,
});
const FRESH = 'a new trace id';

type Row = readonly [
  what: string,
  header: string | undefined,
  carrier: Carrier | undefined,
  rule: 'keep' | 'root',
  expected: { traceId: string; parent?: object; links?: object[]; hasHeader?: boolean },
];

const table: readonly Row[] = [
  ['nothing at all: a new trace', undefined, undefined, 'keep', { traceId: FRESH }],
  ['a carrier with nothing in it: a new trace', undefined, carrying({}), 'root', { traceId: FRESH }],
  [
    'garbage everywhere: a new trace',
    'x',
    carrying({ traceparent: 'x', 'x-amzn-trace-id': 'x' }),
    'keep',
    { traceId: FRESH },
  ],
  [
    'Lambda’s header, kept',
    lambda(';Sampled=1'),
    undefined,
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, XRAY_PARENT, 1), hasHeader: true },
  ],
  [
    'Lambda’s header, not sampled, kept',
    lambda(';Sampled=0'),
    undefined,
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, XRAY_PARENT, 0), hasHeader: true },
  ],
  [
    'Lambda’s header, undecided, kept',
    lambda(''),
    undefined,
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, XRAY_PARENT, 0), hasHeader: true },
  ],
  [
    'Lambda’s header as root: its trace, no parent',
    lambda(';Sampled=1'),
    undefined,
    'root',
    { traceId: XRAY_TRACE, hasHeader: true },
  ],
  [
    'a header with Root alone: its trace, no parent',
    `Root=${root(XRAY_TRACE)}`,
    undefined,
    'keep',
    { traceId: XRAY_TRACE, hasHeader: true },
  ],
  [
    'W3C of the same trace: the parent is W3C’s, nothing to link',
    lambda(';Sampled=1'),
    w3c(XRAY_TRACE),
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, W3C_PARENT, 1), hasHeader: true },
  ],
  [
    'W3C of another trace: it leads, and links to X-Ray’s',
    lambda(';Sampled=1'),
    w3c(OTHER_TRACE, '00'),
    'root',
    {
      traceId: OTHER_TRACE,
      parent: remote(OTHER_TRACE, W3C_PARENT, 0),
      links: [{ context: remote(XRAY_TRACE, XRAY_PARENT, 1) }],
      hasHeader: true,
    },
  ],
  [
    'W3C of another trace and a header with Root alone: nothing to link to',
    `Root=${root(XRAY_TRACE)}`,
    w3c(OTHER_TRACE),
    'keep',
    { traceId: OTHER_TRACE, parent: remote(OTHER_TRACE, W3C_PARENT, 1), hasHeader: true },
  ],
  [
    'W3C alone',
    undefined,
    w3c(OTHER_TRACE),
    'root',
    { traceId: OTHER_TRACE, parent: remote(OTHER_TRACE, W3C_PARENT, 1) },
  ],
  [
    'W3C that is garbage: Lambda’s header',
    lambda(';Sampled=1'),
    carrying({ traceparent: '00-short-01' }),
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, XRAY_PARENT, 1), hasHeader: true },
  ],
  [
    'an X-Ray header inside the event, when Lambda sends none',
    undefined,
    carrying({ 'x-amzn-trace-id': lambda(';Sampled=1') }),
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, XRAY_PARENT, 1) },
  ],
  [
    'the same as root',
    undefined,
    carrying({ 'x-amzn-trace-id': lambda(';Sampled=1') }),
    'root',
    { traceId: XRAY_TRACE },
  ],
  [
    'Lambda’s header before the one inside the event',
    lambda(';Sampled=1'),
    carrying({ 'x-amzn-trace-id': `Root=${root(OTHER_TRACE)};Parent=${W3C_PARENT};Sampled=1` }),
    'keep',
    { traceId: XRAY_TRACE, parent: remote(XRAY_TRACE, XRAY_PARENT, 1), hasHeader: true },
  ],
  [
    'W3C before an X-Ray header inside the event',
    undefined,
    carrying({ traceparent: `00-${OTHER_TRACE}-${W3C_PARENT}-01`, 'x-amzn-trace-id': lambda(';Sampled=1') }),
    'keep',
    { traceId: OTHER_TRACE, parent: remote(OTHER_TRACE, W3C_PARENT, 1) },
  ],
];

for (const [what, header, carrier, rule, { traceId, parent, links = [], hasHeader = false }] of table) {
  test(`parent: ${what}`, () => {
    const found = chooseParent(header, carrier, rule);
    if (traceId === FRESH) assert.match(found.traceId, /^[0-9a-f]{32}$/);
    else assert.equal(found.traceId, traceId);
    assert.deepEqual(found.parent, parent);
    assert.deepEqual(found.links, links);
    assert.equal(found.header?.traceId, hasHeader ? XRAY_TRACE : undefined);
  });
}

test('every trace that begins here is a new one', () => {
  const ids = new Set(Array.from({ length: 50 }, () => chooseParent(undefined, undefined, 'root').traceId));
  assert.equal(ids.size, 50);
});
