import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installAwslambda } from '../../runtime/awslambda.ts';
import { HttpResponseStream } from '../../runtime/http-response-stream.ts';
import { createInvokeStore } from '../../runtime/invoke-store.ts';
import { streamifyResponse } from '../../runtime/streaming-mark.ts';

const install = (globals: { awslambda?: unknown }, isGlobalHidden = false) =>
  installAwslambda({ isMultiConcurrent: false, isGlobalHidden, globals });

test('P87: the global has the streaming functions and the store', () => {
  const globals: { awslambda?: unknown } = {};
  const { store } = install(globals);
  assert.deepEqual(globals.awslambda, { streamifyResponse, HttpResponseStream, InvokeStore: store });
});

test('P87: an object that is there is extended, a frozen one is replaced with its members kept', () => {
  const mine = { mine: 1 };
  const globals: { awslambda?: unknown } = { awslambda: mine };
  const { store } = install(globals);
  assert.equal(globals.awslambda, mine);
  assert.deepEqual(mine, { mine: 1, streamifyResponse, HttpResponseStream, InvokeStore: store });
  const frozen: { awslambda?: unknown } = { awslambda: Object.freeze({ mine: 1 }) };
  const scope = install(frozen);
  assert.deepEqual(frozen.awslambda, { mine: 1, streamifyResponse, HttpResponseStream, InvokeStore: scope.store });
  for (const odd of ['text', 5, null]) {
    const strange: { awslambda?: unknown } = { awslambda: odd };
    install(strange);
    assert.equal(typeof (strange.awslambda as { streamifyResponse: unknown }).streamifyResponse, 'function');
  }
});

test('P87 P88: a store that is there already goes on being used', () => {
  const existing = createInvokeStore(false).store;
  const globals = { awslambda: { InvokeStore: existing } };
  assert.equal(install(globals).store, existing);
  assert.equal(globals.awslambda.InvokeStore, existing);
});

test('P87: AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA leaves the globals alone; the store works for the runtime', () => {
  const globals: { awslambda?: unknown } = {};
  const { run, current } = install(globals, true);
  assert.ok(!('awslambda' in globals));
  assert.equal(
    run({ requestId: 'r', xrayTraceId: undefined, tenantId: undefined }, () => current()?.requestId),
    'r',
  );
});
