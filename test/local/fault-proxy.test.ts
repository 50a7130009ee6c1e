import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type FaultProxy, openFaultProxy, type WireFault } from '../../local/fault-proxy.ts';
import { until } from '../support/conditions.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { startTcpServer } from '../support/tcp-server.ts';

const BODY = 'x'.repeat(5000);

type Stand = { readonly server: HttpServer; readonly proxy: FaultProxy; readonly agent: Agent };

async function open(t: TestContext): Promise<Stand> {
  const server = await startHttpServer(t, (_request, response) => response.end('the answer'));
  const proxy = await openFaultProxy(server.port);
  t.after(() => proxy.close());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return { server, proxy, agent };
}

/** Status and text of an answer, or the error's code. */
function post({ proxy, agent }: Stand, timeoutMs = 5000): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({ port: proxy.port, host: '127.0.0.1', method: 'POST', agent, timeout: timeoutMs });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('late'), { code: 'LATE' })));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.on('response', (response: IncomingMessage) => {
      let text = '';
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      response.on('error', () => resolve(`${response.statusCode} ${text} broken off`));
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
    });
    sent.end(BODY);
  });
}

test('nothing is wrong: everything passes, over one connection', async (t) => {
  const stand = await open(t);
  assert.deepEqual([await post(stand), await post(stand)], ['200 the answer', '200 the answer']);
  assert.equal(stand.proxy.openConnections, 1);
  assert.deepEqual(
    stand.server.requests.map(({ body }) => body.toString()),
    [BODY, BODY],
  );
});

for (const [fault, answer, seen] of [
  [{ kind: 'down' }, 'ECONNREFUSED', 0],
  [{ kind: 'slow', delayMs: 60 }, '200 the answer', 1],
  [{ kind: 'throttle', bytesPerSecond: 100_000 }, '200 the answer', 1],
  [{ kind: 'answer', status: 429, headers: { 'retry-after': '7' } }, '429 ', 0],
  [{ kind: 'half answer', bytes: 20 }, 'ECONNRESET', 1],
  [{ kind: 'reset' }, 'ECONNRESET', 0],
  [{ kind: 'reset', isForwarded: true }, 'ECONNRESET', 1],
] as readonly [WireFault, string, number][]) {
  test(`${JSON.stringify(fault)}: ${answer}, the server sees ${seen} requests; healed, everything passes again`, async (t) => {
    const stand = await open(t);
    await stand.proxy.set(fault);
    const begunAt = performance.now();
    assert.equal(await post(stand), answer);
    if (fault.kind === 'slow') assert.ok(performance.now() - begunAt >= 50);
    assert.equal(stand.server.requests.length, seen);
    await stand.proxy.heal();
    assert.equal(await post(stand), '200 the answer');
    assert.equal(stand.server.requests.length, seen + 1);
  });
}

test('hanging: the connection is taken, nothing comes, the server sees nothing; healed, a new connection works', async (t) => {
  const stand = await open(t);
  await stand.proxy.set({ kind: 'hanging' });
  assert.equal(await post(stand, 50), 'LATE');
  await stand.proxy.heal();
  assert.equal(await post(stand), '200 the answer');
  assert.equal(stand.server.requests.length, 1);
});

test('an answer that is cut off in its body', async (t) => {
  const stand = await open(t);
  const head = 'HTTP/1.1 200 OK\r\n';
  await post(stand);
  await stand.proxy.set({ kind: 'half answer', bytes: 1_000 });
  assert.equal(await post(stand), '200 the answer', 'shorter than that');
  stand.proxy.cut();
  await stand.proxy.set({ kind: 'half answer', bytes: head.length });
  assert.equal(await post(stand), 'ECONNRESET');
});

test('a reset that is ordered once happens once', async (t) => {
  const stand = await open(t);
  await stand.proxy.set({ kind: 'reset', times: 1 });
  assert.deepEqual([await post(stand), await post(stand)], ['ECONNRESET', '200 the answer']);
});

test('elsewhere: another server gets the connections, those that are open are closed', async (t) => {
  const stand = await open(t);
  await post(stand);
  const port = await startTcpServer(t, (socket) => void socket.end('HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n'));
  await stand.proxy.set({ kind: 'elsewhere', port });
  const isClosed = (): boolean => Object.keys(stand.agent.freeSockets).length === 0;
  await until(isClosed, 'the kept connection is closed');
  assert.equal(await post(stand), '418 ');
  await stand.proxy.heal();
  await until(isClosed, 'the other one as well');
  assert.equal(await post(stand), '200 the answer');
});

test('cut: idle connections are closed in good order', async (t) => {
  const { proxy } = await open(t);
  const socket = connect(proxy.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.resume();
  await until(() => proxy.openConnections === 1, 'the proxy has it');
  proxy.cut();
  assert.equal(await closed, false, 'without an error');
});
