import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Connection, ConnectionLost, parseEndpoint } from '../../../runtime/api/connection.ts';
import { runModule, sourceUrl } from '../../support/child-process.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { findClosedPort, type Scope, startTcpServer } from '../../support/tcp-server.ts';

const HEAD = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that does one step per request; the steps count over all connections. */
async function startScript(
  scope: Scope,
  ...steps: ((socket: Socket) => void)[]
): Promise<{ connection: Connection; log: { connections: number; requests: number } }> {
  const log = { connections: 0, requests: 0 };
  const port = await startTcpServer(scope, (socket) => {
    log.connections++;
    socket.on('data', () => steps[log.requests++]?.(socket));
  });
  return { connection: open(scope, port), log };
}

function open(scope: Scope, port: number): Connection {
  const connection = new Connection({ host: '127.0.0.1', port });
  scope.after(() => connection.close());
  return connection;
}

const answer = (socket: Socket): void => void socket.write(OK);
const hangUp = (socket: Socket): void => void socket.end();

test('requests follow one another on one connection', async (t) => {
  const { connection, log } = await startScript(t, answer, answer, answer);
  for (let i = 0; i < 3; i++) assert.equal((await connection.request(HEAD)).body.toString(), 'ok');
  assert.deepEqual(log, { connections: 1, requests: 3 });
});

test('a connection that the server closes after its answer is replaced', async (t) => {
  const closing = (socket: Socket): void => void socket.write(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  const { connection, log } = await startScript(t, closing, answer);
  assert.equal((await connection.request(HEAD)).keepsAlive, false);
  assert.equal((await connection.request(HEAD)).status, 200);
  assert.deepEqual(log, { connections: 2, requests: 2 });
});

test('a connection that was closed while nobody looked is replaced, and the request sent again', async (t) => {
  const { connection, log } = await startScript(t, answer, hangUp, answer);
  await connection.request(HEAD);
  assert.equal((await connection.request(HEAD)).body.toString(), 'ok');
  assert.deepEqual(log, { connections: 2, requests: 3 });
});

test('the same when it was reset', async (t) => {
  const { connection, log } = await startScript(t, answer, (socket) => socket.resetAndDestroy(), answer);
  await connection.request(HEAD);
  assert.equal((await connection.request(HEAD)).body.toString(), 'ok');
  assert.deepEqual(log, { connections: 2, requests: 3 });
});

test('a request is sent again once, not twice', async (t) => {
  const { connection, log } = await startScript(t, answer, hangUp, hangUp, answer);
  await connection.request(HEAD);
  await assert.rejects(connection.request(HEAD), (error) => error instanceof ConnectionLost && !error.isMidResponse);
  assert.equal(log.requests, 3);
  assert.equal((await connection.request(HEAD)).status, 200, 'and the next request starts anew');
});

test('a fresh connection that dies is not tried again', async (t) => {
  const { connection, log } = await startScript(t, hangUp, answer);
  await assert.rejects(connection.request(HEAD), {
    name: 'ConnectionLost',
    message: /^the Lambda API at 127\.0\.0\.1:\d+ gave no answer: the connection was closed$/,
    isMidResponse: false,
    code: undefined,
  });
  assert.equal(log.requests, 1);
});

test('a request whose answer had begun is never sent again', async (t) => {
  const half = OK.slice(0, -1);
  const { connection, log } = await startScript(
    t,
    answer,
    (socket) => void socket.end(half),
    answer,
    (socket) => void socket.write(half, () => socket.resetAndDestroy()),
    answer,
  );
  await connection.request(HEAD);
  await assert.rejects(connection.request(HEAD), { name: 'MalformedResponse' });
  assert.equal(log.requests, 2);
  await connection.request(HEAD);
  await assert.rejects(connection.request(HEAD), (error: Error) => {
    // A reset may overtake the bytes before it; only then is the request free to be sent again, and it is not refused.
    return error instanceof ConnectionLost && error.isMidResponse && error.code === 'ECONNRESET';
  });
  assert.equal(log.requests, 4);
});

test('an answer that is not HTTP is told apart, and the connection given up', async (t) => {
  const { connection, log } = await startScript(t, (socket) => void socket.write('hello\r\n\r\n'), answer);
  await assert.rejects(connection.request(HEAD), { name: 'MalformedResponse' });
  assert.equal((await connection.request(HEAD)).status, 200);
  assert.equal(log.connections, 2);
});

test('an answer that ends with the connection is complete', async (t) => {
  const { connection, log } = await startScript(t, (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nall'), answer);
  assert.equal((await connection.request(HEAD)).body.toString(), 'all');
  assert.equal((await connection.request(HEAD)).status, 200);
  assert.equal(log.connections, 2);
});

test('nobody listens: the message names the address and the reason, by IP and by name', async (t) => {
  const port = await findClosedPort();
  for (const host of ['127.0.0.1', 'localhost']) {
    const connection = new Connection({ host, port });
    t.after(() => connection.close());
    await assert.rejects(connection.request(HEAD), (error: Error) => {
      assert.ok(error instanceof ConnectionLost && !error.isMidResponse && error.code === 'ECONNREFUSED');
      assert.match(error.message, new RegExp(`^the Lambda API at ${host}:${port} gave no answer: .*ECONNREFUSED`));
      return true;
    });
  }
});

test('one request at a time: a second one is refused and the first goes on', async (t) => {
  const { connection } = await startScript(t, (socket) => void setImmediate(() => answer(socket)));
  const first = connection.request(HEAD);
  await assert.rejects(connection.request(HEAD), { message: 'one request at a time on a connection' });
  assert.throws(() => connection.openChunked(HEAD), { message: 'one request at a time on a connection' });
  assert.equal((await first).status, 200);
});

test('bodies of 6 MB travel whole, both ways, by length and in chunks', async (t) => {
  const big = Buffer.alloc(6_291_556, '0123456789abcdef');
  let isChunked = false;
  const server = await startHttpServer(t, ({ body }, response) => {
    if (!isChunked) response.setHeader('content-length', body.length);
    response.end(body);
  });
  const connection = open(t, server.port);
  const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${big.length}\r\n\r\n`;
  for (isChunked of [false, true]) {
    const { body } = await connection.request(head, big);
    assert.ok(body.equals(big));
  }
  assert.equal((await connection.request(head, big.toString('latin1'))).body.length, big.length);
  assert.equal(new Set(server.requests.map(({ clientPort }) => clientPort)).size, 1);
});

test('a chunked upload arrives with its trailers at a node:http server', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.writeHead(202).end());
  const connection = open(t, server.port);
  const head = 'POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-A, X-B\r\n\r\n';
  const upload = connection.openChunked(head);
  const chunks = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(200_000, 'x'), Buffer.from('\r\n0\r\n\r\n')];
  for (const chunk of chunks) await new Promise<void>((resolve) => upload.write(chunk, () => resolve()));
  assert.equal((await upload.end({ 'X-A': '1', 'X-B': 'two' })).status, 202);

  const empty = connection.openChunked(head);
  assert.equal((await empty.end({})).status, 202);

  const [first, second] = server.requests;
  assert.ok(first?.body.equals(Buffer.concat(chunks)));
  assert.deepEqual({ ...first?.trailers }, { 'x-a': '1', 'x-b': 'two' });
  assert.equal(second?.body.length, 0);
  assert.equal(first?.clientPort, second?.clientPort);
});

test('the server cuts a chunked upload off: the writer learns of it, and whoever ends it', async (t) => {
  const { connection, log } = await startScript(t, (socket) => socket.resetAndDestroy(), answer);
  const upload = connection.openChunked('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = Buffer.alloc(64 * 1024);
  let failure: Error | null | undefined;
  while (!failure) failure = await new Promise((resolve) => upload.write(chunk, resolve));
  await assert.rejects(upload.end({}), (error) => error instanceof ConnectionLost);
  await new Promise<void>((resolve) =>
    upload.write(chunk, (error) => {
      assert.ok(error instanceof ConnectionLost);
      resolve();
    }),
  );
  assert.equal((await connection.request(HEAD)).status, 200, 'the next request gets a connection of its own');
  assert.equal(log.connections, 2);
});

test('the server answers a chunked upload before its end', async (t) => {
  const { connection } = await startScript(t, (socket) => void socket.write(OK.replace('200', '413')));
  const upload = connection.openChunked('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  upload.write(Buffer.from('x'), () => {});
  assert.equal((await upload.end({})).status, 413);
});

test('the server answers a chunked upload before its end and closes the connection: the writer learns of the answer', async (t) => {
  const refusal = OK.replace('200', '413').replace('\r\n', '\r\nConnection: close\r\n');
  const { connection } = await startScript(t, (socket) => void socket.write(refusal));
  const upload = connection.openChunked('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  let failure: Error | null | undefined;
  while (!failure) {
    failure = await new Promise((resolve) => upload.write(Buffer.from('x'), resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(failure.message, /answered with status 413 while the response was streaming/);
  assert.equal((await upload.end({})).status, 413);
});

const child = (port: number, work: string): string => `
  const { Connection } = await import(${JSON.stringify(sourceUrl('runtime/api/connection.ts'))});
  const connection = new Connection({ host: '127.0.0.1', port: ${port} });
  const head = ${JSON.stringify(HEAD)};
  ${work}
`;

test('a request that does not hold the process lets it end; one that does keeps it', async (t) => {
  const port = await startTcpServer(t, (socket, connection) => {
    // The first child is never answered.
    if (connection > 0) socket.on('data', () => answer(socket));
  });
  const leaving = await runModule(
    child(port, "void connection.request(head, undefined, false); console.log('asked');"),
  );
  assert.deepEqual({ ...leaving, stderr: '' }, { code: 0, signal: null, stdout: 'asked\n', stderr: '' });

  const staying = await runModule(child(port, 'connection.request(head).then(({ status }) => console.log(status));'));
  assert.equal(staying.stdout, '200\n', staying.stderr);

  // What a request did to the socket must not outlast it, either way.
  const turns = await runModule(
    child(
      port,
      `connection.request(head)
        .then(() => connection.request(head))
        .then(({ status }) => { console.log(status); void connection.request(head, undefined, true).then(() => console.log('last')); });`,
    ),
  );
  assert.equal(turns.stdout, '200\nlast\n', turns.stderr);
});

test('an idle connection does not hold the process', async (t) => {
  const port = await startTcpServer(t, (socket) => socket.on('data', () => answer(socket)));
  const { code, stdout } = await runModule(child(port, 'console.log((await connection.request(head)).status);'));
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '200\n' });
});

test('host:port, with IPv6 in brackets', () => {
  assert.deepEqual(parseEndpoint('127.0.0.1:9001'), { host: '127.0.0.1', port: 9001 });
  assert.deepEqual(parseEndpoint('169.254.100.1:1'), { host: '169.254.100.1', port: 1 });
  assert.deepEqual(parseEndpoint('localhost:65535'), { host: 'localhost', port: 65535 });
  assert.deepEqual(parseEndpoint('sandbox.localdomain:80'), { host: 'sandbox.localdomain', port: 80 });
  assert.deepEqual(parseEndpoint('[::1]:9001'), { host: '::1', port: 9001 });
  assert.deepEqual(parseEndpoint('[fe80::1%eth0]:9001'), { host: 'fe80::1%eth0', port: 9001 });
});

for (const text of [
  '',
  'localhost',
  ':9001',
  'localhost:',
  'localhost:0',
  'localhost:65536',
  'localhost:123456',
  'localhost:-1',
  'localhost:80x',
  'localhost: 80',
  'local host:80',
  'http://localhost:80',
  'localhost:80/path',
  '::1:9001',
  '[::1]',
  '[]:80',
  'a:b:80',
]) {
  test(`not host:port: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseEndpoint(text),
      (error: Error) => {
        assert.equal(error.name, 'Runtime.PlatformError');
        assert.ok(error.message.includes(text));
        return true;
      },
    );
  });
}
