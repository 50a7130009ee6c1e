import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInRange } from '../../../../instrumentation/outgoing/databases/version-range.ts';

// The ranges that OpenTelemetry's instrumentations state.
const ROWS: readonly (readonly [range: string, inside: readonly string[], outside: readonly string[]])[] = [
  ['>=8.0.3 <9', ['8.0.3', '8.16.0', '8.99.99'], ['8.0.2', '9.0.0', '7.18.2']],
  ['>=2.0.0 <4', ['2.0.0', '3.10.1', '2.0.0-beta.1'], ['1.9.9', '4.0.0']],
  ['^5.0.0', ['5.0.0', '5.12.1'], ['4.9.9', '6.0.0', '50.0.0']],
  ['^0.2.3', ['0.2.3', '0.2.9'], ['0.2.2', '0.3.0', '1.2.3']],
  ['>=1.4.2 <4', ['1.4.2', '3.22.3'], ['1.4.1', '4.0.0']],
  ['*', ['0.0.1', '99.0.0'], []],
  ['1.2.3', ['1.2.3', 'v1.2.3'], ['1.2.4']],
  ['>3', ['3.0.1', '4.0.0'], ['3.0.0']],
  ['<=3.1', ['3.1.0', '2.0.0'], ['3.1.1']],
  ['about three', [], ['3.0.0']],
];

for (const [range, inside, outside] of ROWS) {
  test(`${range}`, () => {
    for (const version of inside) assert.equal(isInRange(version, [range]), true, version);
    for (const version of [...outside, 'no version', '']) assert.equal(isInRange(version, [range]), false, version);
  });
}

test('one range of several is enough', () => {
  assert.equal(isInRange('3.0.0', ['^1.0.0', '>=2.5.0 <4']), true);
  assert.equal(isInRange('2.0.0', ['^1.0.0', '>=2.5.0 <4']), false);
  assert.equal(isInRange('2.0.0', []), false);
});
