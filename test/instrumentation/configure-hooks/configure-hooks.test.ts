// What the `configure*` functions return is user code's: whatever it is, it costs a line and never the function. Their effects are in
// test/outgoing/configure-hooks.test.ts.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Attributes, TracerProvider } from '@opentelemetry/api';
import { applyConfigureHooks, type ConfiguredHooks } from '../../../instrumentation/configure-hooks/configure-hooks.ts';

const provider = {} as TracerProvider;
const broken = (): never => {
  throw new Error('broken');
};

type Applied = { readonly hooks: ConfiguredHooks; readonly lines: string[]; readonly attributes: Attributes };

type Config = { readonly resource: { readonly attributes: Attributes } };

function apply(t: TestContext, name: string, returned: (config: Config) => unknown): Applied {
  const value = (config: Config): unknown => returned(config);
  Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true });
  t.after(() => Reflect.deleteProperty(globalThis, name));
  const lines: string[] = [];
  const attributes: Attributes = { 'service.name': 'orders' };
  const report = (line: string): void => void lines.push(line);
  return { hooks: applyConfigureHooks({ resourceAttributes: attributes, provider, report }, 100), lines, attributes };
}

const useless: readonly (readonly [what: string, name: string, returned: () => unknown, line: RegExp])[] = [
  [
    'a promise of instrumentations',
    'configureInstrumentations',
    async () => [],
    /^configureInstrumentations returned a promise, which nobody can wait for here: as if it were not there$/,
  ],
  [
    'a promise that is rejected',
    'configureTracer',
    async () => broken(),
    /^configureTracer returned a promise, which nobody can wait for here/,
  ],
  ['no list', 'configureInstrumentations', () => ({}), /^configureInstrumentations returned no list$/],
  [
    'instrumentations that throw',
    'configureInstrumentations',
    () => [{ instrumentationName: '@me/instrumentation-x', setTracerProvider: broken }],
    /^an instrumentation of configureInstrumentations failed: Error: broken$/,
  ],
  [
    'a resource that throws',
    'configureTracer',
    () => ({
      resource: {
        get attributes() {
          return broken();
        },
      },
    }),
    /^the resource of configureTracer failed, as if it were not there: Error: broken$/,
  ],
  [
    'one processor instead of a list',
    'configureTracer',
    () => ({ spanProcessors: { onStart() {}, onEnd() {} } }),
    /^the spanProcessors of configureTracer failed, as if it were not there: TypeError/,
  ],
  [
    'what is no processor',
    'configureTracer',
    () => ({ spanProcessors: [null] }),
    /^what was added as a span processor has no onEnd: it is left out$/,
  ],
];
for (const [what, name, returned, line] of useless) {
  test(`${name} returns ${what}: one line`, (t) => {
    const { hooks, lines, attributes } = apply(t, name, returned);
    assert.deepEqual(hooks.instrument(), new Set());
    hooks.spansEnded([]);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, line);
    assert.deepEqual(attributes, { 'service.name': 'orders' });
  });
}

for (const returned of [null, undefined, 5, 'text', [], {}, [null, undefined, [null]]]) {
  for (const name of ['configureTracer', 'configureSdkRegistration', 'configureLambdaInstrumentation']) {
    test(`${name} returns ${JSON.stringify(returned)}: as if it were not there`, (t) => {
      const { hooks, lines } = apply(t, name, () => returned);
      const { sampler, sdk, propagator, inject, extract } = hooks;
      assert.deepEqual(
        { sampler, sdk, propagator, inject, extract },
        {
          sampler: undefined,
          sdk: {},
          propagator: undefined,
          inject: undefined,
          extract: undefined,
        },
      );
      assert.deepEqual(lines, []);
    });
  }
}

test('gaps among instrumentations are none; those beside one that fails are used', (t) => {
  const given: unknown[] = [];
  const good = (name: string): object => ({
    instrumentationName: `@me/instrumentation-${name}`,
    setTracerProvider: (one: unknown) => given.push(one),
  });
  const { hooks, lines } = apply(t, 'configureInstrumentations', () => [
    undefined,
    [null, good('a')],
    { getConfig: broken },
    good('b'),
  ]);
  assert.deepEqual(hooks.instrument(), new Set(['a', 'b']));
  assert.deepEqual(given, [provider, provider]);
  assert.equal(lines.length, 1, lines.join('\n'));
});

test('attributes of the resource that no span could be sent with are left out', (t) => {
  const around: Record<string, unknown> = {};
  around.around = around;
  const { lines, attributes } = apply(t, 'configureTracer', () => ({
    resource: {
      attributes: { big: 10n, later: Promise.resolve('x'), around, kept: 'yes', list: [1, 2], gone: undefined },
    },
  }));
  assert.deepEqual(attributes, { 'service.name': 'orders', kept: 'yes', list: [1, 2] });
  assert.deepEqual(lines, [
    'the resource of configureTracer has what is no attribute and is left out: big, later, around',
  ]);
});

test('nor are those kept that were put into what it was given', (t) => {
  const { lines, attributes } = apply(t, 'configureTracer', (config) => {
    Object.assign(config.resource.attributes, { big: 10n, kept: 'yes' });
    return config;
  });
  assert.deepEqual(attributes, { 'service.name': 'orders', kept: 'yes' });
  assert.deepEqual(lines, ['the resource of configureTracer has what is no attribute and is left out: big']);
});

for (const [what, idGenerator] of [
  ['that fails', { generateTraceId: broken, generateSpanId: broken }],
  ['without functions', {}],
  ['of no ids', { generateTraceId: () => 'x', generateSpanId: () => 5 }],
  ['of zeros', { generateTraceId: () => '0'.repeat(32), generateSpanId: () => '0'.repeat(16) }],
] as const) {
  test(`an id generator ${what}: ids of our own`, (t) => {
    const { hooks, lines } = apply(t, 'configureTracer', () => ({ idGenerator }));
    const { idGenerator: used } = hooks.sdk;
    assert.match(used!.generateTraceId(), /^(?!0{32})[0-9a-f]{32}$/);
    assert.match(used!.generateSpanId(), /^(?!0{16})[0-9a-f]{16}$/);
    assert.ok(
      lines.length > 0 && lines.every((line) => /^the idGenerator of configureTracer /.test(line)),
      lines.join('\n'),
    );
  });
}
