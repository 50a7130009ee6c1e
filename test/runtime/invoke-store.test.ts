import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { InvokeStoreBase, InvokeStore as PackageStore } from '@aws/lambda-invoke-store';
import fc from 'fast-check';
import { createInvokeStore, type InvokeStore, protectedKeys } from '../../runtime/invoke-store.ts';

const fields = (requestId: string) => ({
  requestId,
  xrayTraceId: `Root=${requestId}`,
  tenantId: `tenant-${requestId}`,
});

test('P88: the protected keys are those of the package', () => {
  assert.deepEqual(protectedKeys, InvokeStoreBase.PROTECTED_KEYS);
  assert.equal(createInvokeStore(false).store.PROTECTED_KEYS, protectedKeys);
});

test('P88: one invocation at a time: the fields stay until the next invocation, so late work carries its id', () => {
  const { store, run, current } = createInvokeStore(false);
  assert.equal(store.hasContext(), false);
  assert.equal(store.getRequestId(), '-');
  assert.equal(current(), undefined);
  assert.equal(
    run(fields('one'), () => store.getRequestId()),
    'one',
  );
  assert.equal(store.getRequestId(), 'one');
  assert.equal(store.getXRayTraceId(), 'Root=one');
  assert.equal(store.getTenantId(), 'tenant-one');
  assert.deepEqual(current(), { requestId: 'one', tenantId: 'tenant-one' });
  store.set('mine', 1);
  assert.equal(store.get('mine'), 1);
  run(fields('two'), () => {});
  assert.equal(store.getRequestId(), 'two');
  assert.equal(store.get('mine'), undefined, 'data of one invocation is not seen by the next');
});

test('P88: concurrent invocations each have their own, across awaits; outside there is none', async () => {
  const { store, run, current } = createInvokeStore(true);
  const seen = await Promise.all(
    ['one', 'two', 'three'].map((id) =>
      run(fields(id), async () => {
        store.set('mine', id);
        await setImmediate();
        return [store.getRequestId(), current()?.tenantId, store.get('mine')];
      }),
    ),
  );
  assert.deepEqual(seen, [
    ['one', 'tenant-one', 'one'],
    ['two', 'tenant-two', 'two'],
    ['three', 'tenant-three', 'three'],
  ]);
  assert.equal(store.hasContext(), false);
  assert.equal(current(), undefined);
  assert.throws(() => store.set('x', 1), { message: 'No context available' });
});

test('P88: a handler that throws is heard, and protected fields cannot be set', () => {
  for (const isConcurrent of [false, true]) {
    const { store, run } = createInvokeStore(isConcurrent);
    assert.throws(() => run(fields('one'), () => assert.fail('handler')), /handler/);
    run(fields('one'), () => {
      for (const key of Object.values(protectedKeys)) {
        assert.equal(store.isProtectedKey(key), true);
        assert.throws(() => store.set(key, 'x'), {
          message: `Cannot modify protected Lambda context field: ${String(key)}`,
        });
      }
    });
  }
});

test('W3C trace context and baggage are there when given', () => {
  const { store, run } = createInvokeStore(false);
  run({ ...fields('one'), traceparent: 'tp', tracestate: 'ts', baggage: 'b' }, () => {});
  assert.deepEqual([store.getTraceparent(), store.getTracestate(), store.getBaggage()], ['tp', 'ts', 'b']);
  run(fields('two'), () => {});
  assert.deepEqual(
    [store.getTraceparent(), store.getTracestate(), store.getBaggage()],
    [undefined, undefined, undefined],
  );
});

test('a store that a copy of the package left behind is used; anything else is not', async () => {
  // In this process the package has made its own, as nothing stood in the global object when it was first asked.
  const theirs = (await PackageStore.getInstanceAsync()) as unknown as InvokeStore;
  const { store, run } = createInvokeStore(false, theirs);
  assert.equal(store, theirs);
  run(fields('shared'), () => assert.equal(theirs.getRequestId(), 'shared'));
  for (const odd of [
    undefined,
    null,
    5,
    {},
    { run() {} },
    { run() {}, getContext() {}, isProtectedKey: () => false },
  ]) {
    assert.notEqual(createInvokeStore(false, odd).store, odd);
  }
});

/** One step on both stores; what is comparable of the outcome. */
const outcome = (act: () => unknown): unknown => {
  try {
    return { value: act() };
  } catch (error) {
    return { error: (error as Error).message };
  }
};

const key = fc.oneof(
  fc.constantFrom<(string | symbol)[]>('a', 'b', '__x', Symbol.for('own'), ...Object.values(protectedKeys)),
);
const step = fc.oneof(
  fc.record({ kind: fc.constant('set'), key, value: fc.anything() }),
  fc.record({ kind: fc.constant('get'), key }),
  fc.record({ kind: fc.constantFrom('run', 'read'), id: fc.option(fc.string(), { nil: undefined }) }),
);

test('10 000 sequences of calls end as they do with the package, single and concurrent', async () => {
  const testing = (globalThis as unknown as { awslambda?: unknown }).awslambda;
  delete (globalThis as { awslambda?: unknown }).awslambda;
  for (const isConcurrent of [false, true]) {
    const theirs = await makePackageStore(isConcurrent);
    const ours = createInvokeStore(isConcurrent).store;
    const play = (store: InvokeStore, steps: readonly unknown[]): unknown[] =>
      (steps as { kind: string; key: string; value?: unknown; id?: string }[]).map((current) => {
        switch (current.kind) {
          case 'set':
            return outcome(() => store.set(current.key, current.value));
          case 'get':
            return outcome(() => [store.get(current.key), store.isProtectedKey(current.key)]);
          case 'run':
            return outcome(() =>
              store.run({ [protectedKeys.REQUEST_ID]: current.id, [protectedKeys.TENANT_ID]: 't' }, () => [
                outcome(() => store.set('inside', current.id)),
                { ...store.getContext() },
                store.getRequestId(),
              ]),
            );
          default:
            return [store.hasContext(), store.getRequestId(), store.getTenantId(), store.getXRayTraceId()];
        }
      });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        for (const store of [ours, theirs]) if (!isConcurrent) store.run({}, () => {});
        assert.deepEqual(play(ours, steps), play(theirs, steps));
      }),
      { numRuns: 5000 },
    );
  }
  (globalThis as { awslambda?: unknown }).awslambda = testing;
});

/** The package gives one instance per copy of its module: a fresh copy for each mode. */
async function makePackageStore(isConcurrent: boolean): Promise<InvokeStore> {
  const require = createRequire(import.meta.url);
  delete require.cache[require.resolve('@aws/lambda-invoke-store')];
  const copy = require('@aws/lambda-invoke-store') as typeof import('@aws/lambda-invoke-store');
  (globalThis as { awslambda?: unknown }).awslambda = {};
  return (await copy.InvokeStore.getInstanceAsync(isConcurrent)) as unknown as InvokeStore;
}

test('P88: a function’s own copy of the package and the runtime share one store', () => {
  const installed = JSON.stringify(join(import.meta.dirname, '../../runtime/awslambda.ts'));
  const script = `
    import { installAwslambda } from ${installed};
    const isMultiConcurrent = 'AWS_LAMBDA_MAX_CONCURRENCY' in process.env;
    const scope = installAwslambda({ isMultiConcurrent, isGlobalHidden: false });
    const { InvokeStore } = await import('@aws/lambda-invoke-store');
    const theirs = await InvokeStore.getInstanceAsync();
    const seen = scope.run({ requestId: 'r-1', xrayTraceId: 'Root=1', tenantId: 'acme' }, () => {
      theirs.set('mine', 7);
      return [theirs === scope.store, theirs.getRequestId(), theirs.getXRayTraceId(), theirs.getTenantId(), scope.store.get('mine')];
    });
    console.log(JSON.stringify(seen));`;
  for (const env of [{}, { AWS_LAMBDA_MAX_CONCURRENCY: '10' }]) {
    const args = ['--input-type=module', '--eval', script];
    const out = execFileSync(process.execPath, args, { env, encoding: 'utf8', cwd: import.meta.dirname });
    assert.deepEqual(JSON.parse(out), [true, 'r-1', 'Root=1', 'acme', 7]);
  }
});
