// What an outgoing call hands on, against OpenTelemetry's own propagators; and what it must leave alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTextMapSetter, propagation, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { TraceState, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { baggageOf, type Carrier, handOn, type OutgoingTrace } from '../../../instrumentation/outgoing/propagation.ts';
import { fc } from '../../support/property.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
const HEADER = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0`;
const UNSAMPLED = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0`;
const SPAN: SpanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };

const TRACE: OutgoingTrace = { xrayHeader: HEADER, isSampledForXray: true, traceHeader: HEADER };

type Headers = Record<string, string>;

function carrierOf(headers: Headers): Carrier {
  return {
    get: (name) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1],
    set(name, value) {
      headers[name] = value;
    },
  };
}

function handedOn(headers: Headers, changes: Partial<OutgoingTrace> = {}, span: SpanContext = SPAN): Headers {
  const copy = { ...headers };
  handOn(carrierOf(copy), ROOT_CONTEXT, span, { ...TRACE, ...changes });
  return copy;
}

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => /[^0]/.test(text));
const spanContexts: fc.Arbitrary<SpanContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags: fc.constantFrom(0, 1, 3),
});

test('what cannot stand in a header is left out, and costs nothing else', () => {
  const state = { serialize: () => 'a=b\r\nX-Injected: 1' } as SpanContext['traceState'];
  const metadata = { toString: () => 'm\r\nX-Injected: 1' } as never;
  const given = { cut: { value: 'x\ud83d' }, lines: { value: 'y', metadata }, number: { value: 5 as never } };
  const context = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage(given));
  const headers: Headers = {};
  handOn(carrierOf(headers), context, { ...SPAN, traceState: state! }, TRACE);
  assert.deepEqual(Object.keys(headers), ['traceparent', 'baggage', 'X-Amzn-Trace-Id']);
  assert.equal(headers.baggage, 'cut=x%EF%BF%BD,number=5');
  const own: Headers = {};
  const inject: OutgoingTrace['inject'] = (carrier) => {
    carrier.set('x-bad', 'a\nb');
    carrier.set('x-good', 'a');
  };
  handOn(carrierOf(own), context, SPAN, { ...TRACE, inject });
  assert.deepEqual(Object.keys(own), ['x-good', 'X-Amzn-Trace-Id']);
});

test('traceparent and tracestate are OpenTelemetry’s', () => {
  const states = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), fc.stringMatching(/^[!-+\--<>-~]{1,20}$/), {
    maxKeys: 5,
  });
  fc.assert(
    fc.property(spanContexts, states, (given, state) => {
      const text = Object.entries(state).map((pair) => pair.join('='));
      const span = text.length === 0 ? given : { ...given, traceState: new TraceState(text.join(',')) };
      const expected: Headers = {};
      new W3CTraceContextPropagator().inject(trace.setSpanContext(ROOT_CONTEXT, span), expected, defaultTextMapSetter);
      const { 'X-Amzn-Trace-Id': _, ...ours } = handedOn({}, {}, span);
      // An empty state is left out.
      assert.deepEqual(ours, Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== '')));
    }),
  );
});

test('baggage is OpenTelemetry’s, with its limits', () => {
  const entries = fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.string({ maxLength: 60 })), {
    maxLength: 250,
  });
  fc.assert(
    fc.property(entries, fc.boolean(), (pairs, isLong) => {
      const isWellFormed = pairs.every((pair) => pair.every((text) => text.isWellFormed()));
      fc.pre(isWellFormed);
      const baggage = propagation.createBaggage(
        Object.fromEntries(pairs.map(([key, value]) => [key, { value: isLong ? value.repeat(40) : value }])),
      );
      const context = propagation.setBaggage(ROOT_CONTEXT, baggage);
      const expected: Headers = {};
      new W3CBaggagePropagator().inject(context, expected, defaultTextMapSetter);
      assert.equal(baggageOf(context), expected.baggage ?? '');
    }),
  );
});

test('B3 headers are OpenTelemetry’s, when they are asked for', () => {
  const encodings = [
    ['b3', B3InjectEncoding.SINGLE_HEADER],
    ['b3multi', B3InjectEncoding.MULTI_HEADER],
  ] as const;
  fc.assert(
    fc.property(spanContexts, (given) => {
      const span = { ...given, traceFlags: given.traceFlags & 1 };
      for (const [format, injectEncoding] of encodings) {
        const expected: Headers = {};
        const context = trace.setSpanContext(ROOT_CONTEXT, span);
        new B3Propagator({ injectEncoding }).inject(context, expected, defaultTextMapSetter);
        const ours = handedOn({}, { formats: new Set([format]), isSampledForXray: false }, span);
        const lower = (headers: Headers) =>
          Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
        assert.deepEqual(lower(ours), lower(expected));
      }
    }),
  );
});

test('X-Ray’s header keeps everything but Parent, in its place', () => {
  const field = fc
    .stringMatching(/^[A-Za-z]{1,8}=[A-Za-z0-9:|,.-]{0,20}$/)
    .filter((text) => !/^(?:root|parent|sampled)=/i.test(text));
  fc.assert(
    fc.property(fc.array(field, { maxLength: 4 }), fc.array(field, { maxLength: 4 }), (before, after) => {
      const fields = [...before, `Root=${ROOT}`, 'Parent=53995c3f42cd8ad8', ...after, 'Sampled=1'];
      const written = handedOn({}, { xrayHeader: fields.join(';') })['X-Amzn-Trace-Id']!;
      const expected = fields.map((text) => (text.startsWith('Parent=') ? `Parent=${SPAN.spanId}` : text));
      assert.deepEqual(written.split(';'), expected);
    }),
  );
});

test('an invocation that X-Ray does not draw hands Lambda’s header on verbatim', () => {
  const headers = handedOn({}, { xrayHeader: UNSAMPLED, isSampledForXray: false });
  assert.equal(headers['X-Amzn-Trace-Id'], UNSAMPLED);
  const nothing: Headers = {};
  handOn(carrierOf(nothing), ROOT_CONTEXT, undefined, { ...TRACE, xrayHeader: undefined, isSampledForXray: false });
  assert.deepEqual(nothing, {});
});

const SIGNED = 'AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=';

const KEPT: readonly (readonly [string, Headers, readonly string[]])[] = [
  ['what the user set', { Traceparent: 'mine', 'x-amzn-trace-id': 'Root=1-2-3' }, ['baggage']],
  ['a signed X-Ray header', { Authorization: `${SIGNED}host;x-amzn-trace-id, Signature=0` }, ['traceparent']],
  ['a signed traceparent', { authorization: `${SIGNED}host;traceparent, Signature=0` }, ['X-Amzn-Trace-Id']],
];

for (const [what, headers] of KEPT) {
  test(`${what} stays as it is`, () => {
    const after = handedOn(headers);
    for (const [name, value] of Object.entries(headers)) assert.equal(after[name], value);
    for (const name of /SignedHeaders=([^,]*)/.exec(Object.values(headers)[0]!)?.[1]?.split(';') ?? []) {
      assert.equal(carrierOf(after).get(name), carrierOf(headers).get(name), name);
    }
  });
}

test('what the AWS SDK copied from the environment is replaced by the call itself, unless it is signed', () => {
  assert.match(handedOn({ 'X-Amzn-Trace-Id': HEADER })['X-Amzn-Trace-Id']!, new RegExp(`Parent=${SPAN.spanId}`));
  const signed = { 'X-Amzn-Trace-Id': HEADER, authorization: `${SIGNED}x-amzn-trace-id, Signature=0` };
  assert.equal(handedOn(signed)['X-Amzn-Trace-Id'], HEADER);
});

test('handing on twice changes nothing', () => {
  fc.assert(
    fc.property(spanContexts, fc.boolean(), (span, isSampledForXray) => {
      const once = handedOn({}, { isSampledForXray }, span);
      assert.deepEqual(handedOn(once, { isSampledForXray }, span), once);
    }),
  );
});

test('baggage of the caller that nobody touched goes on byte by byte', () => {
  const receivedText = 'a=%F0;x , b = c;d=e';
  const context = ROOT_CONTEXT.setValue(Symbol.for('OpenTelemetry Baggage Key'), { receivedText });
  assert.equal(baggageOf(context), receivedText);
});
