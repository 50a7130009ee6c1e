// Which parent an invocation gets: the whole truth table, and the reading of `traceparent` against OpenTelemetry's own propagator.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTextMapGetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { createForeignReader } from '../../instrumentation/foreign-contexts.ts';
import {
  type ContextFormat,
  type ContextRules,
  chooseParent,
  readContext,
  readTraceparent,
  type XrayParentRule,
} from '../../instrumentation/parent.ts';
import { parseTraceHeader } from '../../instrumentation/trace-header.ts';
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
const EVENT_TRACE = '5bef4de8ad49b0e87f6ef6c87fc2e7ee';
const EVENT_PARENT = '53995c3f42cd8ad8';
const OTHER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const W3C_PARENT = '00f067aa0ba902b7';
const B3_TRACE = '80f198ee56343ba864fe8b2a57d3eff7';
const B3_PARENT = 'e457b5a2e4d86bd1';
const root = (traceId: string): string => `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`;
const lambda = (sampled: string): string => `Root=${root(XRAY_TRACE)};Parent=${XRAY_PARENT}${sampled};Lineage=a:1`;
const ROOT_ONLY = `Root=${root(XRAY_TRACE)}`;

type Headers = Readonly<Record<string, string>>;
const carrying = (headers: Headers): Carrier => ({ get: (name) => headers[name] });
const w3c = (traceId: string, flags = '01'): Headers => ({ traceparent: `00-${traceId}-${W3C_PARENT}-${flags}` });
const xray = (sampled = ';Sampled=1'): Headers => ({
  'x-amzn-trace-id': `Root=${root(EVENT_TRACE)};Parent=${EVENT_PARENT}${sampled}`,
});
const b3: Headers = { b3: `${B3_TRACE}-${B3_PARENT}-1` };

const ids = (context: { traceId: string; spanId: string } | undefined): string | undefined =>
  context && `${context.traceId}-${context.spanId}`;
const LAMBDA = `${XRAY_TRACE}-${XRAY_PARENT}`;
const EVENT = `${EVENT_TRACE}-${EVENT_PARENT}`;
const W3C = `${OTHER_TRACE}-${W3C_PARENT}`;
const B3 = `${B3_TRACE}-${B3_PARENT}`;
const NEW = 'a new trace id';

type Row = {
  readonly header?: string;
  readonly event?: Headers;
  readonly message?: Headers;
  readonly rule?: XrayParentRule;
  readonly formats?: readonly ContextFormat[];
  /** What comes of it: trace id, parent, the parent's decision, links. */
  readonly trace: string;
  readonly parent?: string;
  readonly sampled?: boolean;
  readonly links?: readonly string[];
};

const DEFAULT: readonly ContextFormat[] = ['tracecontext', 'baggage', 'xray'];

const table: Readonly<Record<string, Row>> = {
  // Nobody's context.
  'nothing at all': { trace: NEW },
  'a carrier with nothing in it': { event: {}, trace: NEW },
  'garbage everywhere': { header: 'x', event: { traceparent: 'x', 'x-amzn-trace-id': 'x', b3: 'x' }, trace: NEW },

  // Lambda's header alone. Its 0 is no decision: with the default tracing mode every header says so.
  'header, root': { header: lambda(';Sampled=1'), trace: XRAY_TRACE },
  'header, root, not sampled': { header: lambda(';Sampled=0'), trace: XRAY_TRACE },
  'header, keep': { header: lambda(';Sampled=1'), rule: 'keep', trace: XRAY_TRACE, parent: LAMBDA, sampled: true },
  'header, keep, not sampled': { header: lambda(';Sampled=0'), rule: 'keep', trace: XRAY_TRACE, parent: LAMBDA },
  'header, keep, undecided': { header: lambda(';Sampled=?'), rule: 'keep', trace: XRAY_TRACE, parent: LAMBDA },
  'header, keep, silent': { header: lambda(''), rule: 'keep', trace: XRAY_TRACE, parent: LAMBDA },
  'header, lead': { header: lambda(';Sampled=1'), rule: 'lead', trace: XRAY_TRACE, parent: LAMBDA, sampled: true },
  'Root alone keeps the trace id': { header: ROOT_ONLY, rule: 'keep', trace: XRAY_TRACE },

  // W3C leads, and links to X-Ray where that is another trace.
  'W3C alone': { event: w3c(OTHER_TRACE), trace: OTHER_TRACE, parent: W3C, sampled: true },
  'W3C alone, not sampled': { event: w3c(OTHER_TRACE, '00'), trace: OTHER_TRACE, parent: W3C, sampled: false },
  'W3C and header of one trace': {
    header: lambda(';Sampled=1'),
    event: w3c(XRAY_TRACE),
    trace: XRAY_TRACE,
    parent: `${XRAY_TRACE}-${W3C_PARENT}`,
    sampled: true,
  },
  'W3C and header of two traces': {
    header: lambda(';Sampled=1'),
    event: w3c(OTHER_TRACE, '00'),
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: false,
    links: [LAMBDA],
  },
  'the same, keep: W3C leads all the same': {
    header: lambda(';Sampled=1'),
    event: w3c(OTHER_TRACE),
    rule: 'keep',
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: true,
    links: [LAMBDA],
  },
  'the same, lead: X-Ray leads and links to W3C': {
    header: lambda(';Sampled=1'),
    event: w3c(OTHER_TRACE),
    rule: 'lead',
    trace: XRAY_TRACE,
    parent: LAMBDA,
    sampled: true,
    links: [W3C],
  },
  'lead without a header': { event: w3c(OTHER_TRACE), rule: 'lead', trace: OTHER_TRACE, parent: W3C, sampled: true },
  'W3C and Root alone: nothing to link to': {
    header: ROOT_ONLY,
    event: w3c(OTHER_TRACE),
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: true,
  },
  'garbage for W3C': { header: lambda(';Sampled=1'), event: { traceparent: '00-short-01' }, trace: XRAY_TRACE },

  // An X-Ray header inside the event.
  'X-Ray in the event, Lambda sends none, keep': {
    event: xray(),
    rule: 'keep',
    trace: EVENT_TRACE,
    parent: EVENT,
    sampled: true,
  },
  'X-Ray in the event, Lambda sends none, root': { event: xray(), trace: EVENT_TRACE },
  'two X-Ray headers: Lambda’s is nearer': {
    header: lambda(';Sampled=1'),
    event: xray(),
    rule: 'keep',
    trace: XRAY_TRACE,
    parent: LAMBDA,
    sampled: true,
    links: [EVENT],
  },
  'W3C and two X-Ray headers': {
    header: lambda(';Sampled=1'),
    event: { ...w3c(OTHER_TRACE), ...xray() },
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: true,
    links: [LAMBDA, EVENT],
  },

  // B3, when it was asked for, comes before X-Ray: Lambda always has a header.
  'B3 that nobody asked for': { header: lambda(';Sampled=1'), event: b3, trace: XRAY_TRACE },
  B3: {
    header: lambda(';Sampled=0'),
    event: b3,
    formats: [...DEFAULT, 'b3'],
    trace: B3_TRACE,
    parent: B3,
    sampled: true,
    links: [LAMBDA],
  },
  'B3 and W3C': {
    event: { ...b3, ...w3c(OTHER_TRACE) },
    formats: ['b3multi', 'tracecontext'],
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: true,
  },

  // The only message of an event, when it is wanted as the parent.
  'a message’s W3C': {
    header: lambda(';Sampled=1'),
    message: w3c(OTHER_TRACE),
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: true,
    links: [LAMBDA],
  },
  'a message’s X-Ray header comes before Lambda’s, and is kept': {
    header: lambda(';Sampled=1'),
    message: xray(),
    trace: EVENT_TRACE,
    parent: EVENT,
    sampled: true,
    links: [LAMBDA],
  },
  'a message without context': { header: lambda(';Sampled=1'), message: {}, trace: XRAY_TRACE },

  // OTEL_PROPAGATORS.
  none: { header: lambda(';Sampled=1'), event: { ...w3c(OTHER_TRACE), ...xray(), ...b3 }, formats: [], trace: NEW },
  'xray alone': { header: lambda(';Sampled=1'), event: w3c(OTHER_TRACE), formats: ['xray'], trace: XRAY_TRACE },
  'xray-lambda: none in the event': { event: xray(), formats: ['xray-lambda'], trace: NEW },
  'xray-lambda: Lambda’s own': { header: lambda(''), event: xray(), formats: ['xray-lambda'], trace: XRAY_TRACE },
  'tracecontext alone: no link to X-Ray either': {
    header: lambda(';Sampled=1'),
    event: w3c(OTHER_TRACE),
    formats: ['tracecontext'],
    trace: OTHER_TRACE,
    parent: W3C,
    sampled: true,
  },
};

const rulesOf = (formats: readonly ContextFormat[], xrayParent: XrayParentRule = 'root'): ContextRules => ({
  formats: new Set(formats),
  xrayParent,
  readForeign: createForeignReader(new Set(formats)),
});

for (const [what, row] of Object.entries(table)) {
  const { header, event, message, rule = 'root', formats = DEFAULT, trace, parent, sampled, links = [] } = row;
  test(`parent: ${what}`, () => {
    const found = chooseParent(
      { header: parseTraceHeader(header), carrier: event && carrying(event), message: message && carrying(message) },
      rulesOf(formats, rule),
    );
    if (trace === NEW) assert.match(found.traceId, /^[0-9a-f]{32}$/);
    const known = [XRAY_TRACE, EVENT_TRACE, OTHER_TRACE, B3_TRACE].find((traceId) => traceId === found.traceId);
    assert.equal(known ?? NEW, trace);
    assert.equal(ids(found.parent), parent);
    assert.equal(found.parent?.isRemote, parent === undefined ? undefined : true);
    assert.equal(found.isParentSampled, sampled);
    assert.deepEqual(
      found.links.map(({ context }) => ids(context)),
      links,
    );
    // X-Ray follows the header whatever OpenTelemetry does.
    assert.equal(found.header?.text, header === 'x' ? undefined : header);
  });
}

test('tracestate belongs to its traceparent, baggage does not', () => {
  const both = { tracestate: 'congo=t61rcWkgMzE', baggage: 'tenant=acme' };
  const rules = rulesOf(DEFAULT);
  const full = chooseParent({ header: undefined, carrier: carrying({ ...w3c(OTHER_TRACE), ...both }) }, rules);
  assert.equal(full.parent?.traceState?.serialize(), 'congo=t61rcWkgMzE');
  assert.equal(full.baggage, 'tenant=acme');
  const bare = chooseParent(
    { header: parseTraceHeader(lambda('')), carrier: carrying(both) },
    { ...rules, xrayParent: 'keep' },
  );
  assert.equal(bare.parent?.traceState, undefined);
  assert.equal(bare.baggage, 'tenant=acme');
  const without = chooseParent({ header: undefined, carrier: carrying(both) }, rulesOf(['tracecontext']));
  assert.equal(without.baggage, undefined);
});

test('a link takes the formats that were asked for, W3C first, X-Ray last', () => {
  const carrier = carrying({ ...w3c(OTHER_TRACE), ...b3, ...xray() });
  const read = (formats: readonly ContextFormat[]) => ids(readContext(carrier, rulesOf(formats)));
  assert.equal(read(['xray', 'b3', 'tracecontext']), W3C);
  assert.equal(read(['xray', 'b3']), B3);
  assert.equal(read(['xray']), EVENT);
  assert.equal(read(['xray-lambda', 'baggage']), undefined);
});

test('every trace that begins here is a new one', () => {
  const begin = () => chooseParent({ header: undefined, carrier: undefined }, rulesOf(DEFAULT)).traceId;
  assert.equal(new Set(Array.from({ length: 50 }, begin)).size, 50);
});
