// The Runtime API over HTTP: what it hands out, what it takes, what it refuses. The fixture is the runtime.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { api, call, requestIdOf, startFixture, startHandDriven } from './api-client.ts';

test('an event comes back, with everything the platform says about it', async () => {
  await using emulator = await startHandDriven({ timeoutMs: 5000, functionName: 'shop' });
  const polling = api.next(emulator);
  const before = Date.now();
  const result = emulator.invoke(
    { order: 'ü' },
    {
      requestId: 'a/b c',
      traceHeader: 'Root=1-2-3',
      tenantId: 'acme',
      invocationId: 'delivery-1',
      clientContext: { custom: { ü: '✓' } },
      cognitoIdentity: { cognitoIdentityId: 'i', cognitoIdentityPoolId: 'p' },
      headers: { 'X-Extra': 'yes' },
    },
  );
  const next = await polling;
  assert.equal(next.status, 200);
  assert.equal(next.text, '{"order":"ü"}');
  assert.equal(next.headers['content-type'], 'application/json');
  assert.equal(requestIdOf(next), 'a/b c');
  assert.equal(next.headers['lambda-runtime-trace-id'], 'Root=1-2-3');
  assert.equal(next.headers['lambda-runtime-aws-tenant-id'], 'acme');
  assert.equal(next.headers['lambda-runtime-invocation-id'], 'delivery-1');
  assert.equal(
    next.headers['lambda-runtime-invoked-function-arn'],
    'arn:aws:lambda:eu-west-1:123456789012:function:shop',
  );
  // Node reads header bytes as Latin-1; the platform writes UTF-8.
  const context = Buffer.from(String(next.headers['lambda-runtime-client-context']), 'latin1').toString('utf8');
  assert.equal(context, '{"custom":{"ü":"✓"}}');
  assert.equal(
    next.headers['lambda-runtime-cognito-identity'],
    '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
  );
  assert.equal(next.headers['x-extra'], 'yes');
  const deadline = Number(next.headers['lambda-runtime-deadline-ms']);
  assert.ok(deadline >= before + 5000 && deadline <= Date.now() + 5000);
  await api.response(emulator, 'a/b c', '"fine"', {
    'Content-Type': 'application/json',
    'Lambda-Runtime-Invocation-Id': 'delivery-1',
  });
  const { status, text, contentType, echoedInvocationId, cold, initMs } = await result;
  assert.deepEqual(
    [status, text, contentType, echoedInvocationId, cold],
    ['success', '"fine"', 'application/json', 'delivery-1', true],
  );
  assert.ok(initMs! > 0);
});

test('headers that have nothing to say are absent', async () => {
  await using emulator = await startHandDriven({ tracing: 'off' });
  const polling = api.next(emulator);
  void emulator.invoke();
  const { headers, text } = await polling;
  assert.equal(text, 'null');
  for (const name of ['trace-id', 'client-context', 'cognito-identity', 'aws-tenant-id', 'invocation-id']) {
    assert.equal(headers[`lambda-runtime-${name}`], undefined, name);
  }
});

test('the trace header follows the tracing mode, and gives way to a given one', async () => {
  const headerOf = async (tracing: 'active' | 'passthrough' | 'off', given?: string | null): Promise<unknown> => {
    await using emulator = await startHandDriven({ tracing });
    const polling = api.next(emulator);
    void emulator.invoke({}, given === undefined ? {} : { traceHeader: given });
    return (await polling).headers['lambda-runtime-trace-id'];
  };
  const pattern = (sampled: number): RegExp =>
    new RegExp(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=${sampled};Lineage=.+$`);
  assert.match(String(await headerOf('active')), pattern(1));
  assert.match(String(await headerOf('passthrough')), pattern(0));
  assert.equal(await headerOf('off'), undefined);
  assert.equal(await headerOf('active', null), undefined);
  assert.equal(await headerOf('active', 'rubbish;;='), 'rubbish;;=');
});

test('success, error and error cause', async () => {
  await using emulator = await startFixture();
  const good = await emulator.invoke({ a: [1] });
  assert.deepEqual([good.status, good.json(), good.functionError], ['success', { a: [1] }, undefined]);
  const bad = await emulator.invoke({ do: 'fail' });
  assert.equal(bad.status, 'error');
  assert.deepEqual(bad.json(), { errorType: 'Oops', errorMessage: 'no', trace: [] });
  assert.deepEqual(
    [bad.functionError, bad.errorType, bad.platformErrorType],
    ['Unhandled', 'Function.Oops', 'Function.Oops'],
  );
  assert.deepEqual(bad.xrayCause, { working_directory: '/', exceptions: [], paths: [] });
  assert.equal(bad.cold, false);
  assert.equal(bad.initMs, undefined);
});

test('header values of almost a megabyte pass', async () => {
  await using emulator = await startFixture();
  const { xrayCause } = await emulator.invoke({ do: 'bigCause' });
  assert.equal((xrayCause as { message: string }).message.length, 900_000);
});

test('a response over the limit: 413 for the runtime, an error for the caller, and the loop goes on', async () => {
  await using emulator = await startFixture();
  const { status, errorType, text, idle } = await emulator.invoke({ do: 'huge' });
  assert.deepEqual([status, errorType], ['error', 'Function.ResponseSizeTooLarge']);
  assert.match(
    text,
    /Response payload size \(6291557 bytes\) exceeded maximum allowed payload size \(6291556 bytes\)\./,
  );
  assert.equal((await idle).how, 'idle');
  const post = emulator.transcript.find(({ api: name }) => name === 'response');
  assert.deepEqual([post?.status, post?.bodyBytes], [413, 6_291_557]);
  assert.equal((await emulator.invoke(1)).text, '1');
});

test('the text of 413 is exact', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  void emulator.invoke({});
  const refused = await api.response(emulator, requestIdOf(await polling), Buffer.alloc(6_291_557));
  assert.equal(
    refused.text,
    '{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}',
  );
});

test('an event over the limit is refused before anything starts', async () => {
  await using emulator = await startFixture();
  await assert.rejects(emulator.invoke(Buffer.alloc(6_291_557)), /6291557 bytes, Lambda takes 6291556/);
  assert.equal(emulator.generation, 0);
});

test('a second answer is refused, the first one stands', async () => {
  await using emulator = await startFixture();
  const { text, idle } = await emulator.invoke({ do: 'twice' });
  assert.equal(text, '1');
  await idle;
  const line = emulator.logs.find((candidate) => candidate.startsWith('twice'))!;
  const [first, second, refusal, third] = JSON.parse(line.slice('twice '.length)) as [number, number, string, number];
  assert.deepEqual([first, second, third], [202, 403, 403]);
  assert.match(refusal, /from ResponseSent to InvocationResponse failed for runtime/);
});

test('an unknown request id is 400, before and after', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  const invoking = emulator.invoke({});
  const id = requestIdOf(await polling);
  for (const path of ['response', 'error'] as const) {
    const refused = await api[path](emulator, 'other', '{}');
    assert.deepEqual(
      [refused.status, refused.errorType, refused.errorMessage],
      [400, 'InvalidRequestID', 'Invalid request ID'],
    );
  }
  await api.response(emulator, id, '1');
  await invoking;
  void api.next(emulator).catch(() => {});
  await emulator.waitForIdle();
  assert.equal((await api.response(emulator, id, '2')).errorType, 'InvalidRequestID');
});

test('next while Running brings the same event again', async () => {
  await using emulator = await startFixture();
  const { requestId, text } = await emulator.invoke({ do: 'nextTwice' });
  assert.equal(text, JSON.stringify(requestId));
});

test('next while a streamed response is open is refused', async () => {
  await using emulator = await startFixture();
  const { text, idle } = await emulator.invoke({ do: 'nextWhileStreaming' });
  assert.equal(text, 'beginend');
  await idle;
  const line = emulator.logs.find((candidate) => candidate.startsWith('nextWhileStreaming'))!;
  assert.match(line, /403 .*from InvocationResponse to Ready failed for runtime/);
});

test('an unknown response mode is 400, and an error for the caller', async () => {
  await using emulator = await startFixture();
  const { status, errorType } = await emulator.invoke({ do: 'badMode' });
  assert.deepEqual([status, errorType], ['error', 'Runtime.InvalidResponseModeHeader']);
  const line = await emulator.waitFor(() => emulator.logs.find((candidate) => candidate.startsWith('badMode')), {
    what: 'the refusal in the log',
  });
  assert.match(line, /400 .*InvalidFunctionResponseMode/);
});

test('a response that is cut off is an error for the caller, and the loop goes on', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  const invoking = emulator.invoke({});
  const [host, port] = emulator.runtimeApi.split(':');
  const path = `/2018-06-01/runtime/invocation/${requestIdOf(await polling)}/response`;
  const post = request({ host, port, path, method: 'POST', headers: { 'Content-Length': 1000 } });
  post.on('error', () => {});
  post.write('{"cut":', () => post.destroy());
  const { status, errorType, idle } = await invoking;
  assert.deepEqual([status, errorType], ['error', 'Runtime.TruncatedResponse']);
  void api.next(emulator).catch(() => {});
  assert.equal((await idle).how, 'idle');
});

test('broken framing is answered with 400 TruncatedHTTPRequest', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  const invoking = emulator.invoke({});
  const id = requestIdOf(await polling);
  const [host, port] = emulator.runtimeApi.split(':');
  const socket = connect(Number(port), host);
  socket.write(
    `POST /2018-06-01/runtime/invocation/${id}/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n`,
  );
  let text = '';
  for await (const piece of socket) text += String(piece);
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /TruncatedHTTPRequest/);
  assert.equal((await invoking).errorType, 'Runtime.TruncatedResponse');
});

test('a streamed response reaches the caller piece by piece, with its trailers', async () => {
  await using emulator = await startFixture();
  const seen: string[] = [];
  const good = await emulator.invoke(
    { do: 'stream', pieces: ['one', 'two', 'three'] },
    { onChunk: ({ bytes }) => seen.push(bytes.toString()) },
  );
  assert.deepEqual(
    [good.status, good.responseMode, good.contentType, good.text],
    ['success', 'streaming', 'text/plain', 'onetwothree'],
  );
  assert.equal(seen.join(''), 'onetwothree');
  assert.equal(good.chunks.length, seen.length);
  assert.ok(good.chunks.length > 1, 'all pieces came at once');
  const failed = await emulator.invoke({ do: 'stream', pieces: ['one', 'two'], fails: true });
  assert.deepEqual([failed.status, failed.errorType, failed.text], ['error', 'Function.Broke', 'onetwo']);
  const errorBody = Buffer.from(failed.trailers['lambda-runtime-function-error-body']!, 'base64').toString();
  assert.equal(errorBody, '{"errorType":"Broke"}');
});

test('the caller sees pieces while the stream is still open', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  const { promise: first, resolve: seen } = Promise.withResolvers<string>();
  const invoking = emulator.invoke({}, { onChunk: ({ bytes }) => seen(bytes.toString()) });
  const [host, port] = emulator.runtimeApi.split(':');
  const path = `/2018-06-01/runtime/invocation/${requestIdOf(await polling)}/response`;
  const headers = { 'Lambda-Runtime-Function-Response-Mode': 'streaming' };
  const post = request({ host, port, path, method: 'POST', headers });
  const answered = new Promise((resolve) => post.on('response', (response) => resolve(response.statusCode)));
  post.write('first');
  assert.equal(await first, 'first');
  post.end('last');
  assert.equal(await answered, 202);
  assert.equal((await invoking).text, 'firstlast');
});

test('an answer that echoes another delivery gets 410', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  const invoking = emulator.invoke({}, { requestId: 'same', invocationId: 'second' });
  await polling;
  const late = await api.response(emulator, 'same', '"old"', { 'Lambda-Runtime-Invocation-Id': 'first' });
  assert.deepEqual([late.status, late.errorType], [410, 'InvokeTimeout']);
  await api.response(emulator, 'same', '"new"', { 'Lambda-Runtime-Invocation-Id': 'second' });
  assert.equal((await invoking).text, '"new"');
});

test('init/error is legal only before the first poll', async () => {
  await using emulator = await startHandDriven();
  const polling = api.next(emulator);
  void emulator.invoke({});
  await polling;
  const refused = await api.initError(emulator, '{}');
  assert.equal(refused.status, 403);
  assert.match(refused.errorMessage!, /from Running to InitError/);
});

test('other paths are 404, other methods 405, ping answers', async () => {
  await using emulator = await startHandDriven();
  void emulator.init().catch(() => {});
  const statusOf = async (method: string, path: string): Promise<number> => (await call(emulator, method, path)).status;
  assert.equal(await statusOf('GET', '/2018-06-01/ping'), 200);
  assert.equal(await statusOf('GET', '/2018-06-01/runtime/restore/next'), 404);
  assert.equal(await statusOf('GET', '/nowhere'), 404);
  assert.equal(await statusOf('POST', '/2018-06-01/runtime/invocation/next'), 405);
  assert.equal(await statusOf('GET', '/2018-06-01/runtime/invocation/x/response'), 405);
});

test('the restore routes exist with snap-start only', async () => {
  await using emulator = await startHandDriven({ initializationType: 'snap-start' });
  void emulator.init().catch(() => {});
  const restored = await call(emulator, 'GET', '/2018-06-01/runtime/restore/next');
  assert.deepEqual([restored.status, restored.text], [200, '']);
  assert.equal(emulator.state?.runtime, 'Restoring');
  assert.equal((await call(emulator, 'GET', '/2018-06-01/runtime/restore/next')).status, 403);
});

test('every call is in the transcript', async () => {
  await using emulator = await startFixture();
  await (await emulator.invoke({ x: 1 })).idle;
  assert.deepEqual(
    emulator.transcript.map(({ api: name, method, status }) => `${name} ${method} ${status ?? 'waiting'}`),
    ['next GET 200', 'response POST 202', 'next GET waiting'],
  );
  const [first, second] = emulator.transcript;
  assert.ok(first!.at <= first!.answeredAt! && first!.answeredAt! <= second!.at);
  assert.equal(second!.bodyBytes, 7);
});

test('a wait in vain tells the last calls and the last lines', async () => {
  await using emulator = await startFixture();
  await emulator.invoke({});
  await assert.rejects(
    emulator.waitFor(() => false, { what: 'the moon', deadlineMs: 1 }),
    (error: Error) => {
      assert.match(error.message, /waited 1 ms in vain for: the moon/);
      assert.match(error.message, /GET \/2018-06-01\/runtime\/invocation\/next -> /);
      assert.match(error.message, /event [0-9a-f-]{36} Root=/);
      return true;
    },
  );
});
