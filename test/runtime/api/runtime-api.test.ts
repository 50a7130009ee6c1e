import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { RuntimeApi } from '../../../runtime/api/runtime-api.ts';
import type { Invocation } from '../../../runtime/lifecycle.ts';
import { type HttpServer, type ReceivedRequest, startHttpServer } from '../../support/http-server.ts';
import { findClosedPort, type Scope, startTcpServer } from '../../support/tcp-server.ts';

const USER_AGENT = 'spanstrap/1.2.3';

function open(scope: Scope, port: number): RuntimeApi {
  const api = new RuntimeApi({ host: '127.0.0.1', port }, USER_AGENT);
  scope.after(() => api.close());
  return api;
}

async function start(
  scope: Scope,
  answer: (request: ReceivedRequest, response: ServerResponse) => void,
): Promise<{ api: RuntimeApi; server: HttpServer }> {
  const server = await startHttpServer(scope, answer);
  return { api: open(scope, server.port), server };
}

/** A stub that delivers what it is told and takes every answer. */
async function startDelivering(
  scope: Scope,
  headers: Readonly<Record<string, string>>,
  body = '{}',
): Promise<{ api: RuntimeApi; server: HttpServer }> {
  return start(scope, ({ method }, response) => {
    if (method === 'POST') response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
    else response.writeHead(200, headers).end(body);
  });
}

const ordinary = {
  'Lambda-Runtime-Aws-Request-Id': '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
  'Lambda-Runtime-Deadline-Ms': '1542409706888',
  'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-2:123456789012:function:orders',
  'Lambda-Runtime-Trace-Id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1',
};

const invocationOf = (requestId: string, invocationId?: string): Invocation => ({
  requestId,
  invocationId,
  invokedFunctionArn: '',
  deadlineEpochMs: 0,
  traceHeader: undefined,
  tenantId: undefined,
  clientContextJson: undefined,
  cognitoIdentityJson: undefined,
  receivedAt: 0,
  eventBytes: 0,
});

/** UTF-8 bytes as the one-byte characters that node:http writes. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

test('next: the request on the wire, and every field of the delivery', async (t) => {
  const clientContext = '{"custom":{"name":"Zoë","to":"東京"}}';
  const { api, server } = await startDelivering(
    t,
    {
      ...ordinary,
      'Lambda-Runtime-Client-Context': utf8(clientContext),
      'Lambda-Runtime-Cognito-Identity': '{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}',
      'Lambda-Runtime-Aws-Tenant-Id': utf8('mandant-à'),
      'Lambda-Runtime-Invocation-Id': 'delivery-1',
    },
    '{"text":"größer"}',
  );
  const before = performance.now();
  const { invocation, body } = await api.next();
  const { receivedAt, ...rest } = invocation;
  assert.ok(receivedAt >= before && receivedAt <= performance.now());
  assert.deepEqual(rest, {
    requestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
    deadlineEpochMs: 1542409706888,
    invokedFunctionArn: 'arn:aws:lambda:us-east-2:123456789012:function:orders',
    traceHeader: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1',
    traceContext: undefined,
    tenantId: 'mandant-à',
    clientContextJson: clientContext,
    cognitoIdentityJson: '{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}',
    invocationId: 'delivery-1',
    eventBytes: 19,
  });
  assert.equal(body.toString(), '{"text":"größer"}');

  const [request] = server.requests;
  assert.equal(request?.method, 'GET');
  assert.equal(request?.path, '/2018-06-01/runtime/invocation/next');
  assert.deepEqual({ ...request?.headers }, { host: `127.0.0.1:${server.port}`, 'user-agent': USER_AGENT });
});

test('next: headers that are absent or empty are undefined; P59: an empty tenant id stays empty', async (t) => {
  const bare = { 'Lambda-Runtime-Aws-Request-Id': 'r', 'Lambda-Runtime-Deadline-Ms': '5' };
  const absent = (await (await startDelivering(t, bare)).api.next()).invocation;
  assert.equal(absent.invokedFunctionArn, '');
  assert.equal(absent.tenantId, undefined);
  const { api } = await startDelivering(t, {
    ...bare,
    'Lambda-Runtime-Trace-Id': '',
    'Lambda-Runtime-Client-Context': '',
    'Lambda-Runtime-Cognito-Identity': '',
    'Lambda-Runtime-Aws-Tenant-Id': '',
    'Lambda-Runtime-Invocation-Id': '',
  });
  const empty = (await api.next()).invocation;
  assert.equal(empty.tenantId, '');
  for (const found of [absent, empty]) {
    assert.equal(found.traceHeader, undefined);
    assert.equal(found.clientContextJson, undefined);
    assert.equal(found.cognitoIdentityJson, undefined);
    assert.equal(found.invocationId, undefined);
  }
});

test('next: W3C headers, should the platform ever send them, under their own names or Lambda’s', async (t) => {
  const bare = { 'Lambda-Runtime-Aws-Request-Id': 'r', 'Lambda-Runtime-Deadline-Ms': '5' };
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  for (const prefix of ['', 'Lambda-Runtime-']) {
    const { api } = await startDelivering(t, {
      ...bare,
      [`${prefix}Traceparent`]: traceparent,
      [`${prefix}Tracestate`]: 'congo=t61rcWkgMzE',
      [`${prefix}Baggage`]: 'tenant=acme',
    });
    assert.deepEqual((await api.next()).invocation.traceContext, {
      traceparent,
      tracestate: 'congo=t61rcWkgMzE',
      baggage: 'tenant=acme',
    });
  }
  const { api } = await startDelivering(t, { ...bare, traceparent });
  assert.deepEqual((await api.next()).invocation.traceContext, {
    traceparent,
    tracestate: undefined,
    baggage: undefined,
  });
});

const ids: readonly (readonly [string, string])[] = [
  ['8476a536-e9f4-11e8-9739-2dfe598c3fcd', '8476a536-e9f4-11e8-9739-2dfe598c3fcd'],
  ['a/b c', 'a%2Fb%20c'],
  ['../x', '..%2Fx'],
  ['#?&=%', '%23%3F%26%3D%25'],
  ['ä東', '%C3%A4%E6%9D%B1'],
  ["(it's)*!~", "(it's)*!~"],
];

for (const [id, encoded] of ids) {
  test(`P54: request id ${JSON.stringify(id)} is passed as received, percent-encoded in paths only`, async (t) => {
    const { api, server } = await startDelivering(t, { ...ordinary, 'Lambda-Runtime-Aws-Request-Id': utf8(id) });
    const { invocation } = await api.next();
    assert.equal(invocation.requestId, id);
    await api.respond(invocation, '1');
    await api.fail(invocation, { body: '{}', errorType: 'Error' });
    const upload = api.respondStreaming(invocation, 'text/plain');
    await upload.end({});
    assert.deepEqual(
      server.requests.slice(1).map(({ method, path }) => `${method} ${path}`),
      [
        `POST /2018-06-01/runtime/invocation/${encoded}/response`,
        `POST /2018-06-01/runtime/invocation/${encoded}/error`,
        `POST /2018-06-01/runtime/invocation/${encoded}/response`,
      ],
    );
  });
}

test('respond: JSON in UTF-8 with its length in bytes; the receipt says what came of it', async (t) => {
  const { api, server } = await startDelivering(t, ordinary);
  const receipt = await api.respond(invocationOf('r'), '"größer"');
  assert.deepEqual(receipt, { status: 202, text: '', bodyBytes: 10 });
  const [request] = server.requests;
  assert.equal(request?.body.toString(), '"größer"');
  assert.deepEqual(
    { ...request?.headers },
    {
      host: `127.0.0.1:${server.port}`,
      'user-agent': USER_AGENT,
      'content-type': 'application/json',
      'content-length': '10',
    },
  );
});

test('policy 5: the invocation id goes back with every answer of its delivery, byte for byte, and with no other', async (t) => {
  const { api, server } = await startDelivering(t, { ...ordinary, 'Lambda-Runtime-Invocation-Id': utf8('é/1') });
  const { invocation } = await api.next();
  await api.respond(invocation, '1');
  await api.fail(invocation, { body: '{}', errorType: 'Error' });
  await api.respondStreaming(invocation, 'text/plain').end({});
  await api.failInit({ body: '{}', errorType: 'Error' });
  await api.respond(invocationOf('r'), '1');
  assert.deepEqual(
    server.requests.map(({ headers }) => headers['lambda-runtime-invocation-id']),
    [undefined, utf8('é/1'), utf8('é/1'), utf8('é/1'), undefined, undefined],
  );
});

test('fail and failInit: body, error type and, for invocations, the X-Ray cause', async (t) => {
  const { api, server } = await startDelivering(t, ordinary);
  const body = '{"errorType":"TypeError","errorMessage":"größer","trace":[]}';
  await api.fail(invocationOf('r'), { body, errorType: 'TypeError', xrayCause: '{"paths":["\\u00e9"]}' });
  await api.fail(invocationOf('r'), { body, errorType: 'TypeError', xrayCause: '' });
  await api.failInit({ body, errorType: 'Runtime.ImportModuleError', xrayCause: '{"paths":[]}' });
  const [withCause, without, init] = server.requests;
  for (const request of server.requests) {
    assert.equal(request.body.toString(), body);
    assert.equal(request.headers['content-type'], 'application/json');
  }
  assert.equal(withCause?.headers['lambda-runtime-function-error-type'], 'TypeError');
  assert.equal(withCause?.headers['lambda-runtime-function-xray-error-cause'], '{"paths":["\\u00e9"]}');
  assert.equal(without?.headers['lambda-runtime-function-xray-error-cause'], undefined);
  assert.equal(init?.path, '/2018-06-01/runtime/init/error');
  assert.equal(init?.headers['lambda-runtime-function-error-type'], 'Runtime.ImportModuleError');
  assert.equal(init?.headers['lambda-runtime-function-xray-error-cause'], undefined, 'P32');
});

test('respondStreaming: headers, body and error trailers as they arrive', async (t) => {
  const { api, server } = await startDelivering(t, ordinary);
  const upload = api.respondStreaming(invocationOf('r'), 'text/x\r\nEvil: 1; charset="ü€"');
  await new Promise<void>((resolve) => upload.write(Buffer.from('part'), () => resolve()));
  const trailers = {
    'Lambda-Runtime-Function-Error-Type': 'TypeError',
    'Lambda-Runtime-Function-Error-Body': Buffer.from('{}').toString('base64'),
  };
  assert.equal((await upload.end(trailers)).status, 202);
  const [request] = server.requests;
  assert.equal(request?.body.toString(), 'part');
  assert.deepEqual(
    { ...request?.headers },
    {
      host: `127.0.0.1:${server.port}`,
      'user-agent': USER_AGENT,
      'content-type': 'text/xEvil: 1; charset="ü"',
      'lambda-runtime-function-response-mode': 'streaming',
      'transfer-encoding': 'chunked',
      trailer: 'lambda-runtime-function-error-type, lambda-runtime-function-error-body',
    },
  );
  assert.deepEqual(
    { ...request?.trailers },
    { 'lambda-runtime-function-error-type': 'TypeError', 'lambda-runtime-function-error-body': 'e30=' },
  );
});

test('a refusal of an answer is a receipt with the text of the API, not an error', async (t) => {
  for (const status of [400, 403, 410, 413, 500]) {
    const text = `{"errorType":"Refused","errorMessage":"${'x'.repeat(2000)}"}`;
    const { api } = await start(t, (_request, response) => response.writeHead(status).end(text));
    const receipt = await api.respond(invocationOf('r'), '1');
    assert.equal(receipt.status, status);
    assert.equal(receipt.text, text.slice(0, 1024));
    assert.equal((await api.fail(invocationOf('r'), { body: '{}', errorType: 'E' })).status, status);
  }
});

test('all calls go over one connection', async (t) => {
  const { api, server } = await startDelivering(t, ordinary);
  const { invocation } = await api.next();
  await api.respond(invocation, '1');
  await api.next();
  await api.fail(invocation, { body: '{}', errorType: 'Error' });
  await api.respondStreaming(invocation, 'text/plain').end({});
  await api.next();
  assert.equal(new Set(server.requests.map(({ clientPort }) => clientPort)).size, 1);
});

const NEXT = 'GET /2018-06-01/runtime/invocation/next';
const withHeaders = (...lines: string[]): string =>
  `HTTP/1.1 200 OK\r\n${[...lines, 'Content-Length: 2'].join('\r\n')}\r\n\r\n{}`;

const nonsense: readonly (readonly [what: string, bytes: string, code: string, message: RegExp])[] = [
  ['no HTTP', 'hello there\r\n\r\n', 'SS_API_ANSWER_MALFORMED', /: the answer is not HTTP: /],
  ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'SS_API_ANSWER_MALFORMED', /ended inside/],
  ['nothing', '', 'SS_API_UNREACHABLE', /: no connection to the Runtime API: /],
  [
    'a refusal',
    'HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope',
    'SS_API_STATUS',
    /: the Runtime API answered with status 403: nope$/,
  ],
  ['a failure', 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n', 'SS_API_STATUS', /answered with status 500:$/],
  [
    'a redirection',
    'HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n',
    'SS_API_STATUS',
    /status 302/,
  ],
  [
    'no request id',
    withHeaders('Lambda-Runtime-Deadline-Ms: 5'),
    'SS_MISSING_INVOCATION_HEADER',
    /^Missing required headers: lambda-runtime-aws-request-id$/,
  ],
  [
    'an empty request id',
    withHeaders('Lambda-Runtime-Aws-Request-Id:', 'Lambda-Runtime-Deadline-Ms: 5'),
    'SS_MISSING_INVOCATION_HEADER',
    /request-id/,
  ],
  [
    'no deadline',
    withHeaders('Lambda-Runtime-Aws-Request-Id: r'),
    'SS_MISSING_INVOCATION_HEADER',
    /^Missing required headers: lambda-runtime-deadline-ms$/,
  ],
  [
    'a deadline that is no number',
    withHeaders('Lambda-Runtime-Aws-Request-Id: r', 'Lambda-Runtime-Deadline-Ms: soon'),
    'SS_DEADLINE_INVALID',
    /^Invalid deadline timestamp$/,
  ],
];

for (const [what, bytes, code, message] of nonsense) {
  test(`next is answered with ${what}: Runtime.PlatformError, ${code}`, async (t) => {
    const port = await startTcpServer(t, (socket) => socket.on('data', () => socket.end(bytes, 'latin1')));
    await assert.rejects(open(t, port).next(), (error: Error & { code?: string }) => {
      assert.deepEqual([error.name, error.code], ['Runtime.PlatformError', code]);
      assert.match(error.message, message);
      if (/API_/.test(code)) assert.ok(error.message.startsWith(NEXT));
      return true;
    });
  });
}

test('nobody listens: Runtime.PlatformError with the address and the reason', async (t) => {
  const port = await findClosedPort();
  await assert.rejects(open(t, port).next(), (error: Error & { code?: string }) => {
    assert.deepEqual([error.name, error.code], ['Runtime.PlatformError', 'SS_API_UNREACHABLE']);
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} .*ECONNREFUSED`));
    return true;
  });
});

test('an IPv6 host stands in brackets in the Host header', async (t) => {
  const { promise: head, resolve } = Promise.withResolvers<string>();
  const port = await startTcpServer(t, (socket) => socket.on('data', (bytes) => resolve(bytes.toString())));
  // The address is IPv4 written as IPv6, so that it works where there is no IPv6.
  const api = new RuntimeApi({ host: '::ffff:127.0.0.1', port }, USER_AGENT);
  t.after(() => api.close());
  void api.next().catch(() => {});
  assert.match(await head, new RegExp(`\\r\\nHost: \\[::ffff:127\\.0\\.0\\.1\\]:${port}\\r\\n`));
});
