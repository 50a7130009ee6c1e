// A server that keeps the heads of requests as they came in, byte for byte, and answers in all the ways in which servers misbehave.

import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type Scope, startTcpServer } from '../support/tcp-server.ts';

export type RawServer = {
  readonly port: number;
  readonly http2Url: string;
  /** Head and body of each request on each connection, in order. */
  readonly requests: string[];
  /** Headers of each HTTP/2 request, without those that begin with a colon. */
  readonly http2Requests: Readonly<Record<string, unknown>>[];
};

export async function startRawServer(scope: Scope): Promise<RawServer> {
  const requests: string[] = [];
  const http2Requests: Readonly<Record<string, unknown>>[] = [];
  const port = await startTcpServer(scope, (socket) => serve(socket, requests));
  const http2 = createHttp2Server((request, response) => {
    http2Requests.push(Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(':'))));
    if (request.url !== '/hang') response.end('two');
  });
  await new Promise<void>((resolve) => http2.listen(0, '127.0.0.1', resolve));
  scope.after(() => http2.close());
  return { port, http2Url: `http://127.0.0.1:${(http2.address() as AddressInfo).port}`, requests, http2Requests };
}

function serve(socket: Socket, requests: string[]): void {
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    received += chunk;
    for (let end = endOf(received, socket); end > 0; end = endOf(received, socket)) {
      const request = received.slice(0, end);
      received = received.slice(end);
      requests.push(request);
      answer(socket, /^\S+ (\S+)/.exec(request)?.[1] ?? '');
    }
  });
}

const invited = new WeakSet<Socket>();

/** Where the first complete request ends; 0: it is not complete. */
function endOf(received: string, socket: Socket): number {
  const head = received.indexOf('\r\n\r\n') + 4;
  if (head < 4) return 0;
  const text = received.slice(0, head);
  if (/\r\nExpect: 100-continue/i.test(text) && !invited.has(socket)) {
    invited.add(socket);
    socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }
  if (/\r\nTransfer-Encoding: chunked/i.test(text)) {
    const last = received.indexOf('0\r\n\r\n', head);
    return last === -1 ? 0 : last + 5;
  }
  const length = Number(/\r\nContent-Length: (\d+)/i.exec(text)?.[1] ?? 0);
  return received.length >= head + length ? head + length : 0;
}

function answer(socket: Socket, path: string): void {
  const status = /\/status\/(\d+)/.exec(path)?.[1] ?? '200';
  if (path.startsWith('/hang-up')) socket.destroy();
  else if (path.startsWith('/hang')) return;
  else if (path.startsWith('/break-off')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all');
  else if (path.startsWith('/endless'))
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n');
  else if (path.startsWith('/redirect/once'))
    socket.write('HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n');
  else if (path.startsWith('/redirect'))
    socket.write('HTTP/1.1 302 Found\r\nLocation: /redirect/circle\r\nContent-Length: 0\r\n\r\n');
  else socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: 2\r\n\r\nok`);
}
