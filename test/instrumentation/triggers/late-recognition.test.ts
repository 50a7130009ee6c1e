// The start bundle's recogniser says what the whole one says, and loads that only for events that are more than a plain payload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLateRecogniser } from '../../../instrumentation/triggers/late-recognition.ts';
import { recogniseTrigger } from '../../../instrumentation/triggers/recognition.ts';
import { defaultTriggerOptions, type Trigger } from '../../../instrumentation/triggers/trigger.ts';
import { fc } from '../../support/property.ts';
import { headersOf, readCorpus } from './event-corpus.ts';

/** Everything a trigger says, with carriers as what they carry. */
function plainly({ carrier, linkCarriers, resultRule, ...rest }: Trigger): unknown {
  return {
    ...rest,
    later: undefined,
    hasResultRule: resultRule !== undefined,
    carried: headersOf(carrier),
    links: linkCarriers.map((link) => [link.attributes, headersOf(link.carrier)]),
  };
}

function recogniseLate(event: unknown, clientContextJson?: string): { trigger: Trigger; loads: number } {
  let loads = 0;
  const recognise = createLateRecogniser(() => {
    loads++;
    return recogniseTrigger;
  });
  return { trigger: recognise(event, defaultTriggerOptions, { clientContextJson }), loads };
}

test('it agrees with the whole recogniser on any JSON value', () => {
  const field = fc.oneof(
    { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('Records', 'headers', 'traceparent', 'Traceparent', 'AWSTraceHeader', 'baggage'),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('_datadog', 'TRACEPARENT', '_X_AMZN_TRACE_ID', 'warmer', 'source', 'detail-type'),
    },
  );
  const event = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.dictionary(field, fc.jsonValue({ maxDepth: 2 })));
  fc.assert(
    fc.property(event, (value) => {
      assert.deepEqual(plainly(recogniseLate(value).trigger), plainly(recogniseTrigger(value)));
    }),
    { numRuns: 1000 },
  );
});

test('it agrees on the corpus, and has loaded what it needed', () => {
  for (const { name, json } of readCorpus()) {
    const event = JSON.parse(json);
    const { trigger, loads } = recogniseLate(event);
    assert.deepEqual(plainly(trigger), plainly(recogniseTrigger(event)), name);
    assert.ok(loads === 1 || trigger.source === 'direct', name);
  }
});

test('plain payloads load nothing; a client context, a header or a carrier does', () => {
  for (const event of [{}, { orderId: 42 }, [], 'text', null, 7, undefined]) {
    assert.equal(recogniseLate(event).loads, Array.isArray(event) ? 1 : 0, JSON.stringify(event));
  }
  assert.equal(recogniseLate({}, '{"custom":{}}').loads, 1);
  assert.equal(recogniseLate({ headers: {} }).loads, 1);
  assert.equal(recogniseLate({ Traceparent: 'x' }).loads, 1);
});

test('an event that resists reading is left to the whole recogniser', () => {
  const hostile = new Proxy({}, { get: () => assert.fail('read') });
  assert.equal(recogniseLate(hostile).trigger.source, 'unknown');
});
