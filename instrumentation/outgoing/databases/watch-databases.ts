// Notices what database clients do. Newer ones say so themselves on diagnostics channels, bundled or not; PostgreSQL's does not, so
// that plain TCP connections are looked at when they are up, whether they speak its protocol.

import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isSuppressed } from '../../active-context.ts';
import type { CallEnvironment, CallScope } from '../call-scope.ts';

/** The client libraries that have channels, by their names among the instrumentations, and the channels of their calls. */
export const LIBRARY_CHANNELS = {
  mysql2: ['mysql2:query', 'mysql2:execute'],
  ioredis: ['ioredis:command'],
  redis: ['node-redis:command', 'node-redis:batch'],
} as const;

export type DatabaseTracer = {
  /** A call begins; `message` is the same object in all that its library publishes about it. */
  databaseCall(channel: string, message: object, scope: CallScope): void;
  /** A TCP connection is up, and nothing was written to it. */
  tcpConnection(socket: Socket): void;
};

export type DatabaseWatch = {
  isEnabled(instrumentation: string): boolean;
  /** `host:port` of the platform's own API. */
  readonly ownAddress: string;
  load(): DatabaseTracer;
};

export type WatchedDatabases = {
  /** PostgreSQL's client could be reached after all: its wire is not looked at any more. */
  leavePostgres(): void;
};

export function watchDatabases(environment: CallEnvironment, watch: DatabaseWatch): WatchedDatabases {
  let isBroken = false;
  let isPostgresLeft = !watch.isEnabled('pg');
  const attempt = (work: () => void): void => {
    if (isBroken) return;
    try {
      work();
    } catch (error) {
      // Node would take it for an uncaught exception of the function.
      isBroken = true;
      environment.report(`database calls are not traced any more: ${error}`);
    }
  };
  for (const [library, channels] of Object.entries(LIBRARY_CHANNELS)) {
    if (!watch.isEnabled(library)) continue;
    for (const channel of channels) {
      subscribe(`tracing:${channel}:start`, (message) =>
        attempt(() => {
          const scope = environment.here();
          if (!scope?.isRecorded || isSuppressed(environment.activeContext())) return;
          watch.load().databaseCall(channel, message as object, scope);
        }),
      );
    }
  }
  const ownPort = Number(watch.ownAddress.slice(watch.ownAddress.lastIndexOf(':') + 1));
  subscribe('net.client.socket', (message) => {
    const { socket } = message as { socket: Socket & { readonly _httpMessage?: unknown } };
    if (isPostgresLeft || isSuppressed(environment.activeContext()) || (socket as Partial<TLSSocket>).encrypted) return;
    socket.once('connect', () =>
      attempt(() => {
        // By now a connection of `node:http` has its request.
        if (socket._httpMessage || socket.remotePort === ownPort || socket.bytesWritten > 0) return;
        watch.load().tcpConnection(socket);
      }),
    );
  });
  return {
    leavePostgres() {
      isPostgresLeft = true;
    },
  };
}
