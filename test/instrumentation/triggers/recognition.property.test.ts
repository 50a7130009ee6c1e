// Properties of recognition: any JSON value and any damaged real event is recognised as something, nothing throws, nothing changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rareRows } from '../../../instrumentation/triggers/rare-table.ts';
import { recogniseTrigger } from '../../../instrumentation/triggers/recognition.ts';
import { describeResult } from '../../../instrumentation/triggers/result.ts';
import { frequentRows, lastRows } from '../../../instrumentation/triggers/table.ts';
import { defaultTriggerOptions, type Trigger, type TriggerOptions } from '../../../instrumentation/triggers/trigger.ts';
import { fc } from '../../support/property.ts';
import { headersOf, readCorpus } from './event-corpus.ts';

const everything: TriggerOptions = {
  ...defaultTriggerOptions,
  semconvOptIn: ['http/dup', 'messaging/dup'],
  requestHeaders: ['host', 'cookie', '__proto__'],
  responseHeaders: ['content-type'],
  capturesBodySizes: true,
  readsDatadog: true,
};
const delivery = { receivedEpochMs: 1_727_112_001_000, clientContextJson: '{"custom":{"traceparent":7}}' };
const sources = new Set([...frequentRows, ...rareRows, ...lastRows].map((row) => row.source));
const triggers = new Set(['http', 'pubsub', 'datasource', 'timer', 'other']);

function isAttributeValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function assertAttributes(attributes: object): void {
  for (const [name, value] of Object.entries(attributes)) {
    assert.ok(isAttributeValue(value), `${name} is ${JSON.stringify(value)}`);
    if (typeof value === 'string') assert.ok(value.length <= 4096 + 64, `${name} has ${value.length} units`);
  }
}

/** Recognises, uses everything there is in the trigger, and looks at the types. */
function use(event: unknown): Trigger {
  const before = structuredClone(event);
  const trigger = recogniseTrigger(event, everything, delivery);
  assert.ok(sources.has(trigger.source), trigger.source);
  assert.ok(triggers.has(trigger.faasTrigger));
  assert.ok(trigger.spanName === undefined || trigger.spanName.length > 0);
  assertAttributes(trigger.attributes);
  assertAttributes(trigger.consumer?.attributes ?? {});
  headersOf(trigger.carrier);
  assert.ok(trigger.linkCarriers.length <= everything.maxLinks);
  for (const { carrier, attributes } of trigger.linkCarriers) {
    assertAttributes(attributes);
    assert.notDeepEqual(headersOf(carrier), {});
  }
  assert.ok(trigger.sentEpochMs === undefined || Number.isFinite(trigger.sentEpochMs));
  assertAttributes(describeResult(trigger, event, everything).attributes);
  assert.deepEqual(event, before);
  return trigger;
}

test('any JSON value is recognised as something', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (event) => {
      use(event);
    }),
    { numRuns: 400 },
  );
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const replacements: readonly Json[] = [
  null,
  true,
  -1,
  1.5,
  1e300,
  '',
  'text',
  '{',
  '{"TopicArn":"detail-type","detail-type":7}',
  '%E0%A4%A',
  '\ud800',
  [],
  [null],
  [[['x']]],
  {},
  { toString: 1, valueOf: 1, length: 3 },
  JSON.parse('{"__proto__":{"Records":[]},"value":"x","stringValue":[]}'),
];

/** A copy of `value` in which the node that `path` leads to is replaced, or deleted when `replacement` is undefined. */
function damage(value: Json, path: readonly number[], replacement: Json | undefined): Json {
  if (typeof value !== 'object' || value === null) return replacement ?? null;
  const names = Object.keys(value);
  const [step, ...rest] = path;
  if (step === undefined || names.length === 0) return replacement ?? {};
  const name = names[step % names.length] as string;
  const copy: Json = structuredClone(value);
  const slots = copy as { [name: string]: Json };
  if (rest.length === 0 && replacement === undefined) delete slots[name];
  else slots[name] = rest.length === 0 ? (replacement ?? null) : damage(slots[name] as Json, rest, replacement);
  return copy;
}

for (const { name, json } of readCorpus()) {
  test(`${name} with damaged nodes is recognised as something`, () => {
    const event: Json = JSON.parse(json);
    const wound = fc.record({
      path: fc.array(fc.nat(30), { minLength: 1, maxLength: 7 }),
      replacement: fc.constantFrom(undefined, ...replacements),
    });
    fc.assert(
      fc.property(fc.array(wound, { minLength: 1, maxLength: 4 }), (wounds) => {
        use(wounds.reduce((value, { path, replacement }) => damage(value, path, replacement), event));
      }),
      { numRuns: 120 },
    );
  });
}

test('a header is found in whatever case it comes', () => {
  const name = fc.constantFrom('traceparent', 'x-amzn-trace-id', 'x-datadog-trace-id', 'user-agent');
  fc.assert(
    fc.property(
      name,
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      fc.boolean(),
      (header, upper, isList) => {
        const spelling = [...header].map((letter, i) => (upper[i] ? letter.toUpperCase() : letter)).join('');
        const values = { [spelling]: isList ? ['value'] : 'value' };
        const event = {
          httpMethod: 'GET',
          requestContext: { elb: { targetGroupArn: 'arn' } },
          [isList ? 'multiValueHeaders' : 'headers']: values,
        };
        assert.equal(recogniseTrigger(event).carrier?.get(header), 'value');
      },
    ),
    { numRuns: 200 },
  );
});
