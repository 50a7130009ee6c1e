import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as first from '../../runtime/untouched.ts';

const builtins = { ...first };

test('a copy that is evaluated after user code has what the first one took', async (t) => {
  for (const name of ['setTimeout', 'clearTimeout', 'setImmediate'] as const) t.mock.method(globalThis, name, () => {});
  t.mock.method(Date, 'now', () => 0);
  t.mock.method(Math, 'random', () => 0.5);
  t.mock.method(process, 'uptime', () => 0);
  t.mock.method(process, 'nextTick', () => {});
  t.mock.method(JSON, 'stringify', () => 'mocked');
  t.mock.method(JSON, 'parse', () => 'mocked');
  const RealDate = globalThis.Date;
  t.after(() => (globalThis.Date = RealDate));
  globalThis.Date = class extends RealDate {} as DateConstructor;
  const late = await import(new URL('../../runtime/untouched.ts?late', import.meta.url).href);
  assert.deepEqual({ ...late }, builtins);
  assert.ok(late.wallNow() > 1_700_000_000_000 && late.uptime() > 0);
  assert.notEqual(late.random(), late.random());
  assert.equal(late.stringifyJson(late.parseJson('[1]')), '[1]');
});

test('they are Node’s own', () => {
  assert.equal(first.setTimeout, globalThis.setTimeout);
  assert.equal(first.wallNow, Date.now);
  assert.equal(first.uptime, process.uptime);
});

test('what was taken cannot be changed, and nobody comes across it', () => {
  const key = Symbol.for('spanstrap.untouched');
  const taken = (globalThis as Record<symbol, unknown>)[key] as Record<string, unknown>;
  assert.ok(Object.isFrozen(taken));
  assert.throws(() => Object.assign(globalThis, { [key]: {} }), TypeError);
  assert.equal(Object.getOwnPropertyDescriptor(globalThis, key)!.enumerable, false);
});
