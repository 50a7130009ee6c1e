// The arguments of `npm run bench`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentMistake, figureGroups, help, parseArguments } from './arguments.ts';
import { variantNames } from './variants.ts';

test('nothing given: everything, forty rounds', () => {
  const given = parseArguments([]);
  assert.deepEqual(
    [given.rounds, given.isJson, given.isCheck, given.variants, given.layer],
    [40, false, false, undefined, undefined],
  );
  assert.deepEqual([...given.figures], [...figureGroups]);
});

test('all of it given', () => {
  const given = parseArguments([
    '--json',
    '--rounds',
    '5',
    '--variants',
    'floor, ric',
    '--figures=start,warm',
    '--check',
  ]);
  assert.deepEqual([given.rounds, given.isJson, given.isCheck], [5, true, true]);
  assert.deepEqual(given.variants, ['floor', 'ric']);
  assert.deepEqual([...given.figures], ['start', 'warm']);
});

for (const [argv, expected] of [
  [['--rounds', '0'], /--rounds 0 is not a whole number above 0/],
  [['--rounds', 'many'], /--rounds many/],
  [['--figures', 'colour'], /--figures colour: there are start, warm/],
  [['--bogus'], /Unknown option '--bogus'/],
  [['extra'], /Unexpected argument 'extra'/],
] as const) {
  test(`mistake: ${argv.join(' ')}`, () => {
    assert.throws(
      () => parseArguments(argv),
      (error) => error instanceof ArgumentMistake && expected.test(error.message),
    );
  });
}

test('the help names every variant', () => {
  assert.ok(variantNames.length >= 20);
  for (const name of variantNames) assert.match(help, new RegExp(`[ ,]${name}(,|\\n)`));
});
