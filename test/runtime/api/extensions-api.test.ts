import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExtensionsApi, PollRefused } from '../../../runtime/api/extensions-api.ts';
import { runModule, sourceUrl } from '../../support/child-process.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { type Scope, startTcpServer } from '../../support/tcp-server.ts';

function open(scope: Scope, port: number): ExtensionsApi {
  const api = new ExtensionsApi({ host: '127.0.0.1', port }, 'spanstrap/1.2.3');
  scope.after(() => api.close());
  return api;
}

const IDENTIFIER = 'b4ee5b7e-0b6a-4b0f-8c0a-6d1b8a5f3f61';

test('register: the request on the wire, and the identifier', async (t) => {
  const server = await startHttpServer(t, (_request, response) =>
    response.writeHead(200, { 'Lambda-Extension-Identifier': IDENTIFIER }).end('{"functionName":"orders"}'),
  );
  const api = open(t, server.port);
  assert.deepEqual(await api.register('spanstrap', ['INVOKE']), { registered: true, extensionId: IDENTIFIER });
  assert.deepEqual(await api.register('spanstrap', []), { registered: true, extensionId: IDENTIFIER });
  const [withInvoke, withNothing] = server.requests;
  assert.equal(`${withInvoke?.method} ${withInvoke?.path}`, 'POST /2020-01-01/extension/register');
  assert.deepEqual(
    { ...withInvoke?.headers },
    {
      host: `127.0.0.1:${server.port}`,
      'user-agent': 'spanstrap/1.2.3',
      'lambda-extension-name': 'spanstrap',
      'content-type': 'application/json',
      'content-length': '21',
    },
  );
  assert.deepEqual(JSON.parse(`${withInvoke?.body}`), { events: ['INVOKE'] });
  assert.deepEqual(JSON.parse(`${withNothing?.body}`), { events: [] });
});

test('register: every refusal is a value with the text of the API, shortened', async (t) => {
  for (const status of [202, 400, 403, 404, 500]) {
    const text = `{"errorType":"Extension.TooManyExtensions","errorMessage":"${'x'.repeat(2000)}"}`;
    const { port } = await startHttpServer(t, (_request, response) => response.writeHead(status).end(text));
    assert.deepEqual(await open(t, port).register('spanstrap', ['INVOKE']), {
      registered: false,
      status,
      reason: text.slice(0, 512),
    });
  }
});

test('register: 200 without an identifier is a refusal', async (t) => {
  const { port } = await startHttpServer(t, (_request, response) => response.end('hm'));
  assert.deepEqual(await open(t, port).register('spanstrap', []), { registered: false, status: 200, reason: 'hm' });
});

test('next: the identifier goes along; events come back as values', async (t) => {
  const bodies = [
    '{"eventType":"INVOKE","deadlineMs":1542409706888,"requestId":"é/1","invokedFunctionArn":"arn","tracing":{}}',
    '{"eventType":"SHUTDOWN","shutdownReason":"SPINDOWN","deadlineMs":5}',
    '{"eventType":"INVOKE","deadlineMs":5}',
  ];
  let answered = 0;
  const server = await startHttpServer(t, (_request, response) => response.end(bodies[answered++]));
  const api = open(t, server.port);
  assert.deepEqual(await api.next(IDENTIFIER), { type: 'INVOKE', requestId: 'é/1', deadlineEpochMs: 1542409706888 });
  assert.deepEqual(await api.next(IDENTIFIER), { type: 'other', name: 'SHUTDOWN' });
  assert.deepEqual(await api.next(IDENTIFIER), { type: 'other', name: 'INVOKE' }, 'an INVOKE of nobody');
  for (const request of server.requests) {
    assert.equal(`${request.method} ${request.path}`, 'GET /2020-01-01/extension/event/next');
    assert.equal(request.headers['lambda-extension-identifier'], IDENTIFIER);
  }
  assert.equal(new Set(server.requests.map(({ clientPort }) => clientPort)).size, 1);
});

for (const [what, status, body, message] of [
  ['a refusal', 403, '{"errorType":"Extension.UnknownExtensionIdentifier"}', /answered with 403: .*UnknownExtension/],
  ['a failure', 500, '', /answered with 500/],
  ['no JSON', 200, 'hello', /not JSON/],
  ['no object', 200, 'null', /not an event/],
  ['a list', 200, '[]', /not an event/],
  ['an event without a type', 200, '{"eventType":1}', /not an event/],
] as const) {
  test(`next is answered with ${what}: PollRefused`, async (t) => {
    const { port } = await startHttpServer(t, (_request, response) => response.writeHead(status).end(body));
    await assert.rejects(open(t, port).next(IDENTIFIER), (error: Error) => {
      assert.ok(error instanceof PollRefused);
      assert.match(error.message, /^GET \/2020-01-01\/extension\/event\/next was answered with/);
      assert.match(error.message, message);
      return true;
    });
  });
}

test('next breaks: ConnectionLost', async (t) => {
  const port = await startTcpServer(t, (socket) => socket.on('data', () => socket.destroy()));
  await assert.rejects(open(t, port).next(IDENTIFIER), { name: 'ConnectionLost' });
});

test('a poll that is out does not hold the process', async (t) => {
  const port = await startTcpServer(t, () => {});
  const { code, stdout } = await runModule(`
    const { ExtensionsApi } = await import(${JSON.stringify(sourceUrl('runtime/api/extensions-api.ts'))});
    void new ExtensionsApi({ host: '127.0.0.1', port: ${port} }, 'x').next('id');
    process.on('exit', () => console.log('idle'));
  `);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'idle\n' });
});
