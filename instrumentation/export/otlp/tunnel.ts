// A connection through an HTTP proxy, by CONNECT (RFC 9110, section 9.3.6).

import { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { clearTimeout, setTimeout } from '../../../runtime/untouched.ts';

/** Rejects with an Error that names the proxy and its answer, never its password. */
export function openTunnel(proxy: URL, target: URL, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const port = target.port || (target.protocol === 'https:' ? 443 : 80);
  const authority = `${target.hostname}:${port}`;
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = new ClientRequest({
    ...(proxy.protocol === 'https:' && { agent: new (process.getBuiltinModule('node:https').Agent)() }),
    protocol: proxy.protocol,
    hostname: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      ...(proxy.username && { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }),
    },
  });
  const fail = (reason: string): void => {
    clearTimeout(timer);
    request.destroy();
    reject(new Error(`the proxy ${proxy.host} ${reason}`));
  };
  const timer = setTimeout(() => fail(`did not answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
  request.on('error', (error) => fail(`cannot be reached: ${error.message}`));
  request.on('response', (response) => fail(`answered ${response.statusCode}`));
  request.on('connect', (response, socket, head) => {
    if (response.statusCode !== 200) {
      fail(`answered ${response.statusCode}`);
      return;
    }
    clearTimeout(timer);
    // Without TLS the server speaks first, and may have done so already.
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  request.end();
  return promise;
}
