// How long name resolution, TCP and TLS took for a connection, told by the socket itself; the first call over it gets the figures.

import type { Socket } from 'node:net';
import { now } from '../../../runtime/lifecycle.ts';
import type { CallSpan } from '../call-scope.ts';

type Timings = { readonly startedAt: number; resolvedAt?: number; connectedAt?: number; securedAt?: number };

const known = new WeakMap<object, Timings>();

/** Watches a socket that is about to connect, or is connecting. */
export function watchConnection(socket: Socket): void {
  if (known.has(socket)) return;
  const timings: Timings = { startedAt: now() };
  known.set(socket, timings);
  socket.once('lookup', () => {
    timings.resolvedAt = now();
  });
  socket.once('connect', () => {
    timings.connectedAt = now();
  });
  socket.once('secureConnect', () => {
    timings.securedAt = now();
  });
}

/** Tells the span where the call goes, and, of a new connection, what it cost. */
export function describeConnection(span: CallSpan, socket: Socket | undefined | null): void {
  if (socket === undefined || socket === null || span.ended) return;
  const { attributes } = span;
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress !== undefined) attributes['network.peer.address'] = remoteAddress;
  if (remotePort !== undefined) attributes['network.peer.port'] = remotePort;
  const timings = known.get(socket);
  if (timings?.connectedAt === undefined) return;
  known.delete(socket);
  const { startedAt, resolvedAt, connectedAt, securedAt } = timings;
  if (resolvedAt !== undefined) attributes['spanstrap.connection.dns_ms'] = rounded(resolvedAt - startedAt);
  attributes['spanstrap.connection.tcp_ms'] = rounded(connectedAt - (resolvedAt ?? startedAt));
  if (securedAt !== undefined) attributes['spanstrap.connection.tls_ms'] = rounded(securedAt - connectedAt);
}

/** To microseconds. */
const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
