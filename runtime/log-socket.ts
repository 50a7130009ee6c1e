// The unix socket that Lambda Managed Instances gives for log records, as lines that are out when the call returns.
// Source: aws-lambda-ric 4, `_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET`.

import { connect } from 'node:net';
import { writeFully } from './stdout.ts';

type SocketHandle = { readonly fd?: number };

/** Resolves with the way to write a line; undefined when the socket cannot be used. Never rejects. */
export function openLogSocket(path: string): Promise<((line: string) => void) | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    // It stays open as long as the process, and does not hold it.
    socket.unref();
    socket.once('error', () => resolve(undefined));
    socket.once('connect', () => {
      // A stream's own write returns before the bytes are out, and process.exit() would drop them.
      const fd = (socket as { _handle?: SocketHandle | null })._handle?.fd;
      if (fd === undefined || fd < 0) return resolve(undefined);
      resolve((line) => {
        try {
          writeFully(fd, Buffer.from(line));
        } catch {
          // Nobody reads any more. A line that cannot be written must not fail the invocation.
        }
      });
    });
  });
}
