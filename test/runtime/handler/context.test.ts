import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, type FunctionIdentity } from '../../../runtime/handler/context.ts';
import type { Invocation } from '../../../runtime/lifecycle.ts';

const identity: FunctionIdentity = {
  functionName: 'orders',
  functionVersion: '$LATEST',
  memoryLimitInMB: '128',
  logGroupName: '/aws/lambda/orders',
  logStreamName: '2026/01/01/[$LATEST]abc',
};

const invocation: Invocation = {
  requestId: 'r-1',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders:live',
  deadlineEpochMs: 5,
  traceHeader: 'Root=1-x',
  tenantId: 'tenant',
  clientContextJson: '{"custom":{"a":"é"}}',
  cognitoIdentityJson: '{"cognitoIdentityId":"id"}',
  invocationId: 'd-1',
  receivedAt: 1,
  eventBytes: 2,
};

test('P55 P56 P57: the fields of the managed runtimes, in a plain object', () => {
  const { getRemainingTimeInMillis, ...fields } = createContext(invocation, identity, 'Root=1-ours');
  assert.equal(typeof getRemainingTimeInMillis, 'function');
  assert.deepEqual(fields, {
    ...identity,
    clientContext: { custom: { a: 'é' } },
    identity: { cognitoIdentityId: 'id' },
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders:live',
    awsRequestId: 'r-1',
    tenantId: 'tenant',
    xRayTraceId: 'Root=1-ours',
  });
  const context = createContext(invocation, identity, undefined);
  assert.equal(Object.getPrototypeOf(context), Object.prototype);
  assert.equal(context.memoryLimitInMB, '128', 'a text, as on the managed runtimes');
  context.awsRequestId = 'mine';
  assert.equal(context.awsRequestId, 'mine', 'mutable');
});

test('P57 P59: what the platform does not send is undefined; an empty tenant id stays empty', () => {
  const bare = { ...invocation, clientContextJson: undefined, cognitoIdentityJson: undefined, tenantId: '' };
  const context = createContext(bare, { ...identity, functionName: undefined }, undefined);
  assert.equal(context.clientContext, undefined);
  assert.equal(context.identity, undefined);
  assert.equal(context.tenantId, '');
  assert.equal(context.functionName, undefined);
  assert.equal(context.xRayTraceId, undefined);
});

for (const [field, broken] of [
  ['ClientContext', { clientContextJson: '{oops' }],
  ['CognitoIdentity', { cognitoIdentityJson: 'é' }],
] as const) {
  test(`P57 policy 4: a ${field} that is not JSON is an error of the invocation`, () => {
    assert.throws(
      () => createContext({ ...invocation, ...broken }, identity, undefined),
      (error: Error) => {
        assert.equal(error.name, 'Error');
        assert.match(error.message, new RegExp(`^Cannot parse ${field} as json: .*JSON`));
        return true;
      },
    );
  });
}

test('P58: the remaining time counts down from the deadline, below zero too, and needs no `this`', () => {
  const at = Date.now() + 1000;
  const { getRemainingTimeInMillis } = createContext({ ...invocation, deadlineEpochMs: at }, identity, undefined);
  const left = getRemainingTimeInMillis();
  assert.ok(left <= 1000 && left > -60_000 && Number.isInteger(left));
  const late = createContext({ ...invocation, deadlineEpochMs: 5 }, identity, undefined);
  assert.ok(late.getRemainingTimeInMillis() < 0);
});

test('P58: user code that mocks the clock does not change it', (t) => {
  const { getRemainingTimeInMillis } = createContext({ ...invocation, deadlineEpochMs: 5 }, identity, undefined);
  t.mock.method(Date, 'now', () => 0);
  assert.ok(getRemainingTimeInMillis() < -1e12);
});
