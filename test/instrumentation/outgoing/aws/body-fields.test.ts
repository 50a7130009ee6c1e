// Against JSON.parse and URLSearchParams, which read everything.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formTexts, topLevelTexts } from '../../../../instrumentation/outgoing/aws/body-fields.ts';
import { fc } from '../../../support/property.ts';

const NAMES = ['TableName', 'QueueUrl', 'a"b', ''];

/** Values whose keys collide with the names now and then, at any depth. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.constantFrom<unknown>('TableName', '{"TableName":"x"}', '\\', '"', null, true, -1.5e7),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.oneof(fc.constantFrom('TableName', 'QueueUrl', 'Key'), fc.string()), tie('value'), {
    maxKeys: 5,
  }),
})).object as fc.Arbitrary<Record<string, unknown>>;

test('texts of the outermost object are those of JSON.parse, however it is written', () => {
  fc.assert(
    fc.property(values, fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
      const expected: Record<string, string> = {};
      for (const name of ['TableName', 'QueueUrl']) {
        if (Object.hasOwn(object, name) && typeof object[name] === 'string') expected[name] = object[name];
      }
      assert.deepEqual(topLevelTexts(JSON.stringify(object, null, indent), ['TableName', 'QueueUrl']), expected);
    }),
    { numRuns: 500 },
  );
});

test('any text is survived', () => {
  fc.assert(fc.property(fc.string(), (text) => void topLevelTexts(text, NAMES)));
  fc.assert(
    fc.property(values, fc.nat(), (object, cut) => {
      const text = JSON.stringify(object);
      const found = topLevelTexts(text.slice(0, cut % (text.length + 1)), ['TableName']);
      // What was found in the part is in the whole.
      if (found.TableName !== undefined) assert.equal(found.TableName, object.TableName);
    }),
  );
});

test('fields of a form are those of URLSearchParams', () => {
  const pairs = fc.array(fc.tuple(fc.constantFrom('Action', 'TopicArn', 'Version', 'XAction'), fc.string()), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(pairs, (given) => {
      fc.pre(given.every(([, value]) => value.isWellFormed()));
      const form = new URLSearchParams(given);
      const found = formTexts(form.toString(), ['Action', 'TopicArn']);
      for (const name of ['Action', 'TopicArn']) assert.equal(found[name] ?? null, form.get(name));
    }),
  );
});
