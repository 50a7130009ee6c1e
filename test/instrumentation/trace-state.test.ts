// A caller's tracestate, against OpenTelemetry's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraceState as createOfficial } from '@opentelemetry/api';
import { createTraceState } from '../../instrumentation/trace-state.ts';
import { fc } from '../support/property.ts';

test('it goes on as it came', () => {
  const text = 'rojo=00f067aa0ba902b7 ,  congo=t61rcWkgMzE,unreadable';
  assert.equal(createTraceState(text)?.serialize(), text);
});

test('what cannot stand in a header, or is longer than anybody keeps, is none', () => {
  for (const text of [undefined, '', 'a=b\r\nx: 1', 'a=\u00e4', `a=${'x'.repeat(511)}`]) {
    assert.equal(createTraceState(text), undefined, JSON.stringify(text?.slice(0, 20)));
  }
});

const key = fc.constantFrom('rojo', 'congo', 'a', 'fw529a3039@dt', '1a', 'b*c', 'Upper', '', 'x'.repeat(260));
const value = fc.oneof(
  fc.constantFrom('1', 't61rcWkgMzE', 'a b', 'with=equals', '', ' lead', 'x'.repeat(257)),
  fc.string({ unit: fc.constantFrom(...'ab ~!=,'), maxLength: 6 }),
);
const member = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(key, value).map(([name, text]) => `${name}=${text}`) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', 'no equals', '\t') },
);

test('members are found, set and removed as OpenTelemetry does it', () => {
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 40 }), key, (members, name) => {
      const text = members.join(',');
      const ours = createTraceState(text);
      if (ours === undefined) return;
      const theirs = createOfficial(text);
      for (const one of ['rojo', 'congo', 'a', 'fw529a3039@dt', '1a', 'b*c', 'Upper', '', name]) {
        assert.equal(ours.get(one), theirs.get(one), one);
      }
      const read = (state: string) => createOfficial(state);
      for (const one of ['rojo', 'a']) {
        assert.equal(read(ours.unset(one).serialize()).get(one), undefined);
        const set = ours.set(one, 'new');
        assert.equal(set.get(one), 'new');
        assert.ok(set.serialize().startsWith(`${one}=new`));
      }
      assert.equal(ours.serialize(), text, 'itself it never changes');
    }),
    { numRuns: 500 },
  );
});
