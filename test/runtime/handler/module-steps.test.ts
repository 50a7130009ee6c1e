// The tree of steps that module events make, with a clock of the test's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModuleSteps } from '../../../runtime/handler/module-steps.ts';
import type { InitStep } from '../../../runtime/lifecycle.ts';

class Loading {
  nowMs = 0;
  readonly steps = new ModuleSteps('/var/task', () => this.nowMs);

  /** A `require`: own time, what it requires, own time. */
  require(path: string, ownMs: number, inside: () => void = () => {}): void {
    const frame = this.steps.requireBegan(path);
    this.nowMs += ownMs;
    inside();
    this.steps.requireEnded(frame);
  }

  /** A module of a graph is found and read; the others are found inside it. */
  read(name: string, importer: string | undefined, ms: number): void {
    const url = (path: string | undefined) => path && `file:///var/task/${path}`;
    this.steps.resolving(url(importer));
    this.steps.found(url(name)!, url(importer));
    this.nowMs += ms;
  }

  evaluate(name: string, ms: number): void {
    const number = this.steps.mark(`file:///var/task/${name}`)!;
    this.nowMs += ms;
    this.steps.evaluated(number);
  }
}

/** `name from-to` of every step, steps inside behind it. */
const draw = (steps: readonly InitStep[]): unknown[] =>
  steps.map(({ name, startedAt, endedAt, steps: inside }) => {
    const drawn = `${name} ${startedAt}-${endedAt}`;
    return inside === undefined || inside.length === 0 ? drawn : [drawn, ...draw(inside)];
  });

test('require is a tree; what takes less than 3 ms is not in it', () => {
  const loading = new Loading();
  loading.require('/var/task/index.js', 4, () => {
    loading.require('/var/task/lib/quick.js', 2);
    loading.require('/var/task/lib/slow.js', 5, () => loading.require('/var/task/lib/inner.js', 3));
    loading.require('/var/task/node_modules/pg/lib/index.js', 6);
    loading.require('/opt/nodejs/node_modules/@acme/log/index.js', 3);
    loading.require('/srv/elsewhere.js', 3);
  });
  assert.deepEqual(draw(loading.steps.end()), [
    [
      'index.js 0-26',
      ['lib/slow.js 6-14', 'lib/inner.js 11-14'],
      'pg/lib/index.js 14-20',
      '@acme/log/index.js 20-23',
      '/srv/elsewhere.js 23-26',
    ],
  ]);
});

test('a require that throws out of several others leaves nothing open', () => {
  const loading = new Loading();
  const outer = loading.steps.requireBegan('/var/task/outer.js');
  loading.steps.requireBegan('/var/task/inner.js');
  loading.nowMs += 5;
  loading.steps.requireEnded(outer);
  loading.require('/var/task/next.js', 4);
  assert.deepEqual(draw(loading.steps.end()), ['outer.js 0-5', 'next.js 5-9']);
});

/** `index` imports `a` (which imports `deep`) and `b`. */
function readGraph(loading: Loading): void {
  loading.read('index.mjs', undefined, 1);
  loading.read('a.mjs', 'index.mjs', 4);
  loading.read('deep.mjs', 'a.mjs', 5);
  loading.read('b.mjs', 'index.mjs', 1);
  loading.read('a.mjs', 'b.mjs', 0);
  loading.steps.graphRead();
}

test('an import graph is read as a tree, evaluated as a tree, and every module has its own time and that of what it imports', () => {
  const loading = new Loading();
  readGraph(loading);
  const evaluation = loading.steps.evaluationBegan();
  for (const name of ['index.mjs', 'a.mjs', 'deep.mjs', 'b.mjs']) loading.steps.mark(`file:///var/task/${name}`);
  loading.evaluate('deep.mjs', 7);
  loading.evaluate('a.mjs', 3);
  loading.evaluate('b.mjs', 1);
  loading.evaluate('index.mjs', 2);
  loading.steps.evaluationEnded(evaluation);
  assert.deepEqual(draw(loading.steps.end()), [
    ['import graph 0-11', ['index.mjs 0-11', ['a.mjs 1-10', 'deep.mjs 5-10']]],
    ['evaluation 11-24', ['index.mjs 11-24', ['a.mjs 11-21', 'deep.mjs 11-18']]],
  ]);
});

test('modules that do not tell are part of the next one above that does', () => {
  const loading = new Loading();
  readGraph(loading);
  const evaluation = loading.steps.evaluationBegan();
  loading.steps.mark('file:///var/task/index.mjs');
  loading.steps.mark('file:///var/task/deep.mjs');
  loading.evaluate('deep.mjs', 7);
  loading.nowMs += 4;
  loading.evaluate('index.mjs', 2);
  loading.steps.evaluationEnded(evaluation);
  assert.deepEqual(draw(loading.steps.end())[1], ['evaluation 11-24', ['index.mjs 11-24', 'deep.mjs 11-18']]);
});

test('CommonJS in a graph stands where it was imported, with what it requires', () => {
  const loading = new Loading();
  loading.read('index.mjs', undefined, 1);
  loading.read('a.mjs', 'index.mjs', 1);
  loading.read('lib.cjs', 'a.mjs', 1);
  loading.steps.graphRead();
  const evaluation = loading.steps.evaluationBegan();
  for (const name of ['index.mjs', 'a.mjs']) loading.steps.mark(`file:///var/task/${name}`);
  loading.require('/var/task/lib.cjs', 4, () => loading.require('/var/task/part.cjs', 3));
  loading.evaluate('a.mjs', 1);
  loading.evaluate('index.mjs', 1);
  loading.steps.evaluationEnded(evaluation);
  assert.deepEqual(draw(loading.steps.end()), [
    ['import graph 0-3', 'index.mjs 0-3'],
    ['evaluation 3-12', ['index.mjs 3-12', ['a.mjs 3-11', ['lib.cjs 3-10', 'part.cjs 7-10']]]],
  ]);
});

test('top-level await: from the first turn of the event loop to the end', () => {
  const loading = new Loading();
  loading.read('index.mjs', undefined, 1);
  loading.steps.graphRead();
  const evaluation = loading.steps.evaluationBegan();
  loading.steps.mark('file:///var/task/index.mjs');
  loading.nowMs += 4;
  loading.steps.evaluationYielded(evaluation);
  loading.evaluate('index.mjs', 30);
  loading.steps.evaluationEnded(evaluation);
  loading.steps.evaluationYielded(evaluation);
  assert.deepEqual(draw(loading.steps.end()), [['evaluation 1-35', 'index.mjs 1-35', 'top-level await 5-35']]);
});

test('an import at run time of the module stands inside the evaluation', () => {
  const loading = new Loading();
  loading.read('index.mjs', undefined, 1);
  loading.steps.graphRead();
  const evaluation = loading.steps.evaluationBegan();
  loading.steps.mark('file:///var/task/index.mjs');
  loading.read('late.mjs', 'index.mjs', 4);
  loading.steps.graphRead();
  loading.evaluate('late.mjs', 5);
  loading.evaluate('index.mjs', 1);
  loading.steps.evaluationEnded(evaluation);
  assert.deepEqual(draw(loading.steps.end()), [
    ['evaluation 1-11', ['import graph 1-5', 'late.mjs 1-5'], ['index.mjs 5-11', 'late.mjs 5-10']],
  ]);
});

test('of very many steps the longer ones are left', () => {
  const loading = new Loading();
  for (let at = 0; at < 500; at++) loading.require(`/var/task/m${at}.js`, at % 10 === 0 ? 20 : 4);
  const steps = loading.steps.end();
  assert.equal(steps.length, 50);
  for (const { startedAt, endedAt } of steps) assert.equal(endedAt - startedAt, 20);
});

test('numbers that nobody gave out, and modules that tell twice, say nothing', () => {
  const loading = new Loading();
  assert.equal(loading.steps.mark('file:///nobody.mjs'), undefined);
  loading.steps.evaluated(7);
  loading.read('index.mjs', undefined, 0);
  loading.steps.graphRead();
  loading.evaluate('index.mjs', 5);
  loading.steps.evaluated(0);
  assert.deepEqual(draw(loading.steps.end()), ['index.mjs 0-5']);
});
