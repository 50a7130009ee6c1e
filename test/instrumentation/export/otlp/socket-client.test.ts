// The client on a raw socket: which endpoints get it, what it does not load, and what becomes of its connection.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { chooseClient, type HttpTransportOptions } from '../../../../instrumentation/export/otlp/http-transport.ts';
import type { HttpAttempt } from '../../../../instrumentation/export/otlp/http-verdict.ts';
import { NodeClient } from '../../../../instrumentation/export/otlp/node-client.ts';
import { SocketClient } from '../../../../instrumentation/export/otlp/socket-client.ts';
import { findClosedPort, startTcpServer } from '../../../support/tcp-server.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const body = Buffer.from('spans');

function create(
  t: TestContext,
  url: string,
): { post(message?: Uint8Array, timeoutMs?: number): Promise<HttpAttempt>; client: SocketClient } {
  const client = new SocketClient(new URL(url));
  t.after(() => client.close());
  return { client, post: (message = body, timeoutMs = 20_000) => client.send({ 'x-a': '1' }, message, timeoutMs) };
}

/** Answers every request with the next of these, the last one again and again; requests are whole when their bytes stop. */
async function start(t: TestContext, ...answers: string[]): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  let requests = 0;
  const port = await startTcpServer(t, (socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => {
      if (bytes.toString('latin1').startsWith('POST '))
        socket.write(answers[Math.min(requests++, answers.length - 1)]!);
    });
  });
  return { url: `http://127.0.0.1:${port}/v1/traces`, sockets };
}

test('a socket for plain HTTP without a proxy; Node’s client for everything else', () => {
  const choose = (url: string, proxyEnv?: Record<string, string>) =>
    chooseClient({ url: new URL(url), tls: {}, proxyEnv } as unknown as HttpTransportOptions).constructor;
  const proxy = 'http://proxy:3128';
  assert.equal(choose('http://localhost:4318/v1/traces'), SocketClient);
  assert.equal(choose('http://localhost:4318/', { https_proxy: proxy }), SocketClient);
  assert.equal(choose('http://localhost:4318/', { http_proxy: proxy, no_proxy: 'localhost' }), SocketClient);
  assert.equal(choose('http://localhost:4318/', { http_proxy: proxy, no_proxy: 'other' }), NodeClient);
  assert.equal(choose('http://10.0.0.1/', { http_proxy: proxy, no_proxy: '10.0.0.0-10.0.0.9' }), NodeClient);
  assert.equal(choose('https://localhost:4318/'), NodeClient);
});

test('an export loads neither node:http nor what that stands on, nor does anything in its bundle', () => {
  const script = `
    import { openOtlp } from ${JSON.stringify(import.meta.resolve('../../../../bootstrap/open-otlp.ts'))};
    import { buildSpan } from ${JSON.stringify(import.meta.resolve('../../span-builder.ts'))};
    const context = { env: {}, reportSetting() {}, report() {} };
    const exporter = openOtlp(context, 'http://127.0.0.1:1/', 5000);
    await exporter.export([{ spans: [buildSpan()] }], Date.now() + 40);
    const heavy = /^NativeModule (?:_?http|https|_http_client|tls|_tls_wrap|crypto|zlib|net)$/;
    console.log(process.moduleLoadList.filter((name) => heavy.test(name)).join());`;
  const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stdout.trim(), 'NativeModule net');
});

test('user code that replaces net.connect does not get it', async (t) => {
  const { url } = await start(t, OK);
  t.mock.method(net, 'connect', () => assert.fail('the export is not user code’s'));
  t.mock.method(net, 'createConnection', () => assert.fail('the export is not user code’s'));
  assert.equal((await create(t, url).post()).answer?.status, 200);
});

test('what user code has put on Object.prototype is no header', async (t) => {
  const heads: string[] = [];
  const port = await startTcpServer(t, (socket) => {
    socket.on('data', (bytes) => {
      heads.push(bytes.toString('latin1'));
      socket.write(OK);
    });
  });
  const prototype = Object.prototype as { extend?: unknown };
  t.after(() => delete prototype.extend);
  for (const added of ['a text', () => 'a function']) {
    prototype.extend = added;
    assert.equal((await create(t, `http://127.0.0.1:${port}/v1/traces`).post()).answer?.status, 200);
    assert.doesNotMatch(heads.pop()!, /extend/);
  }
});

test('hosts: a name, and an address of IPv6', async (t) => {
  for (const host of ['localhost', '[::1]']) {
    const heads: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        heads.push(bytes.toString('latin1'));
        socket.end(OK);
      });
    });
    server.listen(0, host.replace(/[[\]]/g, ''));
    const [failure] = await Promise.race([once(server, 'listening'), once(server, 'error')]);
    t.after(() => server.close());
    if (failure instanceof Error) {
      t.diagnostic(`${host} is not there on this machine: ${failure.message}`);
      continue;
    }
    const { port } = server.address() as AddressInfo;
    assert.equal((await create(t, `http://${host}:${port}/v1/traces`).post()).answer?.status, 200);
    assert.match(
      heads[0]!,
      new RegExp(`^POST /v1/traces HTTP/1\\.1\r\nhost: ${host.replace(/[[\]]/g, '\\$&')}:${port}\r\n`),
    );
  }
});

test('nobody listens: the code of the system', async (t) => {
  const { post } = create(t, `http://127.0.0.1:${await findClosedPort()}/`);
  const { error, answer, wasReused, hasLeft } = await post();
  assert.deepEqual([error?.code, answer, wasReused, hasLeft], ['ECONNREFUSED', undefined, false, false]);
});

test('small and large bodies arrive whole, one after the other on one connection', async (t) => {
  const received: Buffer[] = [];
  let missing = 0;
  const port = await startTcpServer(t, (socket) => {
    socket.on('data', (bytes) => {
      const end = bytes.indexOf('\r\n\r\n');
      if (missing === 0) missing = Number(/content-length: (\d+)/.exec(bytes.toString('latin1'))![1]) + end + 4;
      received.push(bytes);
      missing -= bytes.length;
      if (missing === 0) socket.write(OK);
    });
  });
  const { post } = create(t, `http://127.0.0.1:${port}/`);
  for (const size of [0, 5, 65_536, 65_537, 3_000_000, 7]) {
    received.length = 0;
    const message = Buffer.alloc(size, 'abcdefghijk');
    const { answer, wasReused } = await post(message);
    assert.deepEqual([answer?.status, wasReused], [200, size !== 0]);
    const all = Buffer.concat(received);
    assert.ok(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(message), `${size} bytes`);
  }
});

test('what comes unasked closes the connection: the next answer must not begin with it', async (t) => {
  const { url, sockets } = await start(t, OK);
  const { post } = create(t, url);
  await post();
  const closed = once(sockets[0]!, 'close');
  sockets[0]!.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
  await closed;
  const { answer, wasReused } = await post();
  assert.deepEqual([answer?.status, wasReused], [200, false]);
});

test('more than one answer at once: the status of the first counts, the connection does not', async (t) => {
  const { url, sockets } = await start(t, OK.replace('200', '503') + OK, OK);
  const { post } = create(t, url);
  assert.equal((await post()).answer?.status, 503);
  assert.deepEqual([(await post()).answer?.status, sockets.length], [200, 2]);
});

for (const [what, head, isKept] of [
  ['Keep-Alive of a minute', 'Keep-Alive: timeout=60\r\n', true],
  ['Keep-Alive of a second, which the next request might not make', 'Keep-Alive: timeout=1\r\n', false],
  ['Connection: close', 'Connection: close\r\n', false],
] as const) {
  test(`${what}: ${isKept ? 'the same connection' : 'another connection'}`, async (t) => {
    const { url } = await start(t, OK.replace('Content-Length', `${head}Content-Length`));
    const { post } = create(t, url);
    await post();
    assert.equal((await post()).wasReused, isKept);
  });
}

test('an answer without an end: not more than a megabyte of it is read, and 64 KiB are kept', async (t) => {
  let sent = 0;
  const port = await startTcpServer(t, (socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write('x'.repeat(10_000))) sent += 10_000;
    };
    socket.once('data', () => {
      socket.write('HTTP/1.1 400 No\r\n\r\n');
      socket.on('drain', more);
      more();
    });
  });
  const { answer, error } = await create(t, `http://127.0.0.1:${port}/`).post();
  assert.deepEqual([answer?.status, answer?.body.length, error], [400, 65_536, undefined]);
  assert.ok(sent < 64 * 1024 * 1024, `${sent}`);
});

test('an answer that comes before the request has left is the answer, and the connection is not kept', async (t) => {
  const sockets: Socket[] = [];
  const port = await startTcpServer(t, (socket) => {
    sockets.push(socket);
    socket.once('data', () => {
      socket.pause();
      socket.write(OK.replace('200', '413'));
    });
  });
  const { post } = create(t, `http://127.0.0.1:${port}/`);
  const large = Buffer.alloc(32 * 1024 * 1024);
  const { answer, hasLeft } = await post(large);
  assert.deepEqual([answer?.status, hasLeft], [413, false]);
  assert.equal((await post()).wasReused, false);
  assert.equal(sockets.length, 2);
});

test('a connection that is waited for holds the process, an idle one does not', async (t) => {
  const { url, sockets } = await start(t, OK);
  const script = `
    import { SocketClient } from ${JSON.stringify(import.meta.resolve('../../../../instrumentation/export/otlp/socket-client.ts'))};
    const client = new SocketClient(new URL(${JSON.stringify(url)}));
    for (let i = 0; i < 2; i++) console.log((await client.send({}, Buffer.from('spans'), 20_000)).answer.status);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 15_000,
  });
  assert.deepEqual([stdout, sockets.length], ['200\n200\n', 1]);
});

test('one request at a time', async (t) => {
  const { url } = await start(t, OK);
  const { post } = create(t, url);
  const first = post();
  assert.throws(() => post(), /one request at a time/);
  assert.equal((await first).answer?.status, 200);
});
