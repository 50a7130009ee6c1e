import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, createContextKey, ROOT_CONTEXT as OFFICIAL_ROOT, trace } from '@opentelemetry/api';
import { ActiveContext, ROOT_CONTEXT, spanOf, withSpan } from '../../instrumentation/active-context.ts';
import { InertSpan } from '../../instrumentation/inert-span.ts';

const unused = (): never => assert.fail('no emitter is bound here');
const span = new InertSpan({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
const key = createContextKey('test');
const owner = { context: ROOT_CONTEXT };

test('contexts do not change: a new value makes a new one', () => {
  const first = ROOT_CONTEXT.setValue(key, 1);
  const second = first.setValue(key, 2);
  const third = second.deleteValue(key);
  assert.deepEqual(
    [ROOT_CONTEXT, first, second, third].map((context) => context.getValue(key)),
    [undefined, 1, 2, undefined],
  );
  assert.equal(first.setValue(createContextKey('other'), 0).getValue(key), 1);
});

test('the active span is where every copy of the API looks for it', () => {
  const context = withSpan(ROOT_CONTEXT, span);
  assert.equal(spanOf(context), span);
  assert.equal(trace.getSpan(context), span);
  assert.equal(spanOf(trace.setSpan(ROOT_CONTEXT, span)), span);
  assert.equal(spanOf(trace.setSpan(OFFICIAL_ROOT, span)), span, 'a context of the API’s own serves as well');
  assert.equal(spanOf(ROOT_CONTEXT), undefined);
});

test('outside of everything the root is active, and nobody owns it', () => {
  const active = new ActiveContext<{ readonly context: Context }>(unused);
  assert.equal(active.active(), ROOT_CONTEXT);
  assert.equal(active.owner(), undefined);
  active.with(undefined as never, () => assert.equal(active.active(), ROOT_CONTEXT));
});

test('results, errors, `this` and arguments pass through', () => {
  const active = new ActiveContext<{ readonly context: Context }>(unused);
  const add = function (this: { base: number }, a: number, b: number): number {
    return this.base + a + b;
  };
  assert.equal(active.with(ROOT_CONTEXT, add as never, { base: 1 } as never, 2 as never, 3 as never), 6);
  assert.equal(active.bind(ROOT_CONTEXT, add).call({ base: 10 }, 2, 3), 15);
  assert.throws(
    () =>
      active.with(ROOT_CONTEXT, () => {
        throw new RangeError('x');
      }),
    RangeError,
  );
  assert.equal(
    active.runFor(owner, () => active.owner()),
    owner,
  );
});

test('a bound function has the length of the original', () => {
  const bound = new ActiveContext(unused).bind(ROOT_CONTEXT, (_a: unknown, _b: unknown) => {});
  assert.equal(bound.length, 2);
  assert.deepEqual(Object.keys(bound), []);
});

test('a bound function belongs to who calls it, and sees the context it was bound to', () => {
  const active = new ActiveContext<{ readonly context: Context }>(unused);
  const context = ROOT_CONTEXT.setValue(key, 'bound');
  const bound = active.bind(context, () => [active.active().getValue(key), active.owner()]);
  assert.deepEqual(active.runFor(owner, bound), ['bound', owner]);
  assert.deepEqual(bound(), ['bound', undefined]);
});

test('emitters are given to the one who can bind them, other objects back', () => {
  const bindings: unknown[] = [];
  const active = new ActiveContext((context, target) => {
    bindings.push(context, target);
    return target;
  });
  const emitter = { addListener() {} };
  const plain = { on() {} };
  assert.equal(active.bind(ROOT_CONTEXT, emitter), emitter);
  assert.equal(active.bind(ROOT_CONTEXT, plain), plain);
  assert.equal(active.bind(ROOT_CONTEXT, 5), 5);
  assert.equal(active.bind(ROOT_CONTEXT, null), null);
  assert.deepEqual(bindings, [ROOT_CONTEXT, emitter]);
});

test('the owner’s context is asked for when somebody looks, and gives way to every other one', () => {
  let asked = 0;
  const late = {
    get context(): Context {
      asked++;
      return ROOT_CONTEXT.setValue(key, 'late');
    },
  };
  const active = new ActiveContext<{ readonly context: Context }>(unused);
  active.runFor(late, () => {
    assert.equal(active.owner(), late);
    active.with(ROOT_CONTEXT, () => assert.equal(active.active().getValue(key), undefined));
    assert.equal(asked, 0);
    assert.equal(active.active().getValue(key), 'late');
  });
});

test('user code cannot switch it off', () => {
  const active = new ActiveContext<{ readonly context: Context }>(unused);
  assert.equal(active.disable(), active);
  assert.equal(active.enable(), active);
  active.with(ROOT_CONTEXT.setValue(key, 1), () => assert.equal(active.active().getValue(key), 1));
});
