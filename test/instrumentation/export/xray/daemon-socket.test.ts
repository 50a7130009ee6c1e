// The socket by itself: what connecting it loads, and what becomes of it where that does not work.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { test } from 'node:test';
import {
  builtinParts,
  DaemonSocket,
  type DaemonSocketParts,
} from '../../../../instrumentation/export/xray/daemon-socket.ts';
import { openXraySink } from '../../../../local/sinks/xray-sink.ts';

const MODULE = new URL('../../../../instrumentation/export/xray/daemon-socket.ts', import.meta.url).href;
const DATAGRAM = Buffer.from('{"format":"json","version":1}\n{}');

const sendThrough = (socket: DaemonSocket): Promise<string | undefined> =>
  new Promise((resolve) => socket.send(DATAGRAM, resolve));

/** As before Node 24.19. */
const withoutConnectSync = {
  ...builtinParts,
  dgram: () => ({
    createSocket: (options: dgram.SocketOptions) =>
      Object.assign(dgram.createSocket(options), { connectSync: undefined }),
  }),
} as unknown as DaemonSocketParts;

test('the first datagram loads neither node:cluster nor node:child_process nor node:dns', () => {
  const program = `
    const { builtinParts, DaemonSocket } = await import(${JSON.stringify(MODULE)});
    const socket = new DaemonSocket({ host: '127.0.0.1', port: 9, family: 4 }, builtinParts);
    socket.send(Buffer.from('x'), () => {});
    await socket.wasRefused();
    console.log(JSON.stringify(process.moduleLoadList));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const loaded = JSON.parse(output) as string[];
  assert.ok(loaded.includes('NativeModule dgram'));
  for (const name of ['cluster', 'child_process', 'dns']) assert.ok(!loaded.includes(`NativeModule ${name}`), name);
});

for (const [node, parts] of [
  ['this Node', builtinParts],
  ['a Node without connectSync', withoutConnectSync],
] as const) {
  test(`${node}: the datagram leaves at once, and nobody who listens is heard of`, async () => {
    const sink = await openXraySink();
    try {
      const [host, port] = sink.address.split(':') as [string, string];
      const socket = new DaemonSocket({ host, port: Number(port), family: 4 }, parts);
      assert.equal(await sendThrough(socket), undefined);
      assert.equal(await socket.wasRefused(), false);
      await sink.drain();
      assert.equal(sink.datagrams.length, 1);
      await sink.leave();
      for (let time = 0; time < 20; time += 1) {
        assert.equal(await sendThrough(socket), undefined);
        assert.equal(await socket.wasRefused(), true, `time ${time}`);
      }
      await sink.comeBack();
      assert.equal(await sendThrough(socket), undefined);
      assert.equal(await socket.wasRefused(), false);
    } finally {
      await sink.close();
    }
  });
}

test('a socket that cannot be connected: the reason of the kernel, and the next datagram tries anew', async () => {
  const made: dgram.Socket[] = [];
  const parts = {
    ...builtinParts,
    dgram: () => ({
      createSocket(options: dgram.SocketOptions) {
        made.push(dgram.createSocket(options));
        return made.at(-1)!;
      },
    }),
  } as DaemonSocketParts;
  // Nobody may send to everybody without asking for it.
  const socket = new DaemonSocket({ host: '255.255.255.255', port: 2000, family: 4 }, parts);
  for (let time = 1; time <= 2; time += 1) {
    assert.equal(await sendThrough(socket), 'EACCES');
    assert.equal(made.length, time);
    assert.throws(() => made.at(-1)!.address(), /ERR_SOCKET_DGRAM_NOT_RUNNING|Not running/);
  }
});
