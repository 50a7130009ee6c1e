// A TCP server on the loopback interface that a test scripts byte by byte; it closes with the test.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What a test hands its clean-up to: `TestContext` of node:test fits. */
export type Scope = { after(work: () => unknown): void };

/** Calls `serve` with every connection and its number, from 0. Resolves with the port. */
export async function startTcpServer(
  scope: Scope,
  serve: (socket: Socket, connection: number) => void,
): Promise<number> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    // A client that resets its connection is no failure of the test.
    socket.on('error', () => {});
    serve(socket, connections++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A port that nobody listens on: it was free a moment ago. */
export async function findClosedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
