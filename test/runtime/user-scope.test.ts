import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInvokeStore } from '../../runtime/invoke-store.ts';
import type { Invocation } from '../../runtime/lifecycle.ts';
import { createUserScope } from '../../runtime/user-scope.ts';

const invocation: Invocation = {
  requestId: 'r',
  invokedFunctionArn: 'arn',
  deadlineEpochMs: 5,
  traceHeader: 'Root=received',
  tenantId: 'tenant',
  clientContextJson: undefined,
  cognitoIdentityJson: undefined,
  invocationId: undefined,
  receivedAt: 1,
  eventBytes: 2,
};

test('one invocation at a time: the trace header stands in the environment and in the store, and goes when there is none', () => {
  const environment: { _X_AMZN_TRACE_ID?: string } = { _X_AMZN_TRACE_ID: 'left over' };
  const invokeStore = createInvokeStore(false);
  const scope = createUserScope(invokeStore, () => environment, false);
  assert.equal(scope.current(), undefined);
  const result = scope.run(invocation, 'Root=ours', () => {
    assert.equal(environment._X_AMZN_TRACE_ID, 'Root=ours');
    const { store } = invokeStore;
    assert.deepEqual([store.getRequestId(), store.getXRayTraceId(), store.getTenantId()], ['r', 'Root=ours', 'tenant']);
    assert.equal(scope.current()?.requestId, 'r');
    assert.equal(scope.current()?.tenantId, 'tenant');
    return 'result';
  });
  assert.equal(result, 'result');
  scope.run({ ...invocation, requestId: 'next' }, undefined, () => {
    assert.equal('_X_AMZN_TRACE_ID' in environment, false);
    assert.equal(invokeStore.store.getXRayTraceId(), undefined);
    assert.equal(scope.current()?.requestId, 'next');
  });
});

test('the header stands in the environment that user code has put in the place of the first; a frozen one stays as it is', () => {
  let environment: { _X_AMZN_TRACE_ID?: string } = {};
  const scope = createUserScope(createInvokeStore(false), () => environment, false);
  scope.run(invocation, 'Root=first', () => {});
  environment = { ...environment };
  scope.run(invocation, 'Root=second', () => {});
  assert.equal(environment._X_AMZN_TRACE_ID, 'Root=second');
  Object.freeze(environment);
  for (const header of ['Root=third', undefined]) scope.run(invocation, header, () => {});
  assert.equal(environment._X_AMZN_TRACE_ID, 'Root=second');
});

test('concurrent invocations: the environment is left alone, each sees its own store', async () => {
  const environment: { _X_AMZN_TRACE_ID?: string } = {};
  const { store } = createInvokeStore(true);
  const scope = createUserScope(createInvokeStore(true), () => environment, true);
  const seen = await Promise.all(
    ['a', 'b'].map((requestId) =>
      scope.run({ ...invocation, requestId }, `Root=${requestId}`, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return scope.current()?.requestId;
      }),
    ),
  );
  assert.deepEqual(seen, ['a', 'b']);
  assert.deepEqual(environment, {});
  assert.equal(store.hasContext(), false);
  assert.equal(scope.current(), undefined);
});
