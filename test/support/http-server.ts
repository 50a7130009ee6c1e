// A `node:http` server on the loopback interface that remembers what it was sent; it closes with the test.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Scope } from './tcp-server.ts';

export type ReceivedRequest = {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn, as they stood on the wire. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
  /** The client's port: the same for requests over one connection. */
  readonly clientPort: number | undefined;
};

export type HttpServer = { readonly port: number; readonly requests: ReceivedRequest[] };

/** Calls `answer` when a request has arrived completely. */
export async function startHttpServer(
  scope: Scope,
  answer: (request: ReceivedRequest, response: ServerResponse) => void,
): Promise<HttpServer> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('error', () => {});
    message.on('end', () => {
      const { method = '', url = '', rawHeaders, headers, trailers, socket } = message;
      const body = Buffer.concat(chunks);
      const request = { method, path: url, rawHeaders, headers, trailers, body, clientPort: socket.remotePort };
      requests.push(request);
      answer(request, response);
    });
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}
