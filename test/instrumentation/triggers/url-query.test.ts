// Query redaction and reconstruction, with URLSearchParams as the oracle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTriggerOptions } from '../../../instrumentation/triggers/trigger.ts';
import { decodeKey, queryOf, redactQuery, redactUrl } from '../../../instrumentation/triggers/url-query.ts';
import { fc } from '../../support/property.ts';

const keys = defaultTriggerOptions.redactedQueryKeys;

test('the seven keys are redacted, their names stay, case matters', () => {
  assert.equal(keys.length, 7);
  for (const key of keys) assert.equal(redactQuery(`a=1&${key}=secret&b=2`, keys), `a=1&${key}=REDACTED&b=2`);
  assert.equal(
    redactQuery('SIG=1&signature=2&Sig=3&x-amz-signature=4', keys),
    'SIG=1&signature=2&Sig=3&x-amz-signature=4',
  );
  assert.equal(redactQuery('sig&sig=&sig=a=b', keys), 'sig&sig=REDACTED&sig=REDACTED');
  assert.equal(redactQuery('s%69g=secret&%E0%A4%A=x', keys), 's%69g=REDACTED&%E0%A4%A=x');
  assert.equal(redactQuery('', keys), '');
});

test('redaction touches no other parameter and lets no secret through', () => {
  const name = fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 8 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string({ maxLength: 12 })), { maxLength: 8 }), (pairs) => {
      const redacted = [...new URLSearchParams(redactQuery(new URLSearchParams(pairs).toString(), keys))];
      assert.deepEqual(
        redacted,
        pairs.map(([key, value]) => [key, keys.includes(key) ? 'REDACTED' : value]),
      );
    }),
  );
});

test('a query put together from a map says what the map says', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 12 });
  fc.assert(
    fc.property(fc.dictionary(value, fc.oneof(value, fc.array(value, { maxLength: 3 }))), (map) => {
      const expected = Object.entries(map).flatMap(([key, values]) => [values].flat().map((one) => [key, one]));
      assert.deepEqual([...new URLSearchParams(queryOf(map as never, false))], expected);
    }),
  );
});

test('what is encoded already is not encoded again', () => {
  assert.equal(queryOf({ 'q%20': 'a%26b' } as never, true), 'q%20=a%26b');
  assert.equal(queryOf({ q: ['a', 7, null, 'b'] } as never, true), 'q=a&q=b');
  assert.equal(queryOf('text' as never, true), '');
  assert.equal(queryOf({ lone: '\ud800' } as never, false), 'lone=%EF%BF%BD');
});

test('URLs lose user, password and secrets', () => {
  assert.equal(
    redactUrl('https://u:p@h/p?sig=1&a=2#f?sig=3', keys),
    'https://REDACTED:REDACTED@h/p?sig=REDACTED&a=2#f?sig=3',
  );
  assert.equal(redactUrl('https://u:p@x@h/', keys), 'https://REDACTED:REDACTED@h/');
  assert.equal(redactUrl('https://h/a@b?c=d@e', keys), 'https://h/a@b?c=d@e');
  assert.equal(redactUrl('/relative?Signature=x', keys), '/relative?Signature=REDACTED');
});

test('object keys are decoded, and kept when they are badly encoded', () => {
  assert.equal(decodeKey('a+b%C3%A4'), 'a bä');
  assert.equal(decodeKey('100%+sure'), '100% sure');
  assert.equal(decodeKey(undefined), undefined);
});
