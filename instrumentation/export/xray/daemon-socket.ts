// The way to the X-Ray daemon: one UDP socket, made at the first datagram, kept over freezes, replaced when it breaks. It is
// connected, so that the kernel tells when nobody listens there, as far as the network between says so.

import type { Socket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { now } from '../../../runtime/lifecycle.ts';
import { nextTick, setImmediate } from '../../../runtime/untouched.ts';
import type { DaemonAddress } from './daemon-address.ts';

/** The error code of a datagram that the kernel refuses for its size. */
export const TOO_LARGE = 'EMSGSIZE';

/** What an ICMP message "port unreachable" comes out as. */
const REFUSED = 'ECONNREFUSED';

/** How long a name that did not resolve is left alone. */
const RESOLVE_AGAIN_MS = 30_000;

type Target = { readonly address: string; readonly family: 4 | 6 };

export type DaemonSocketParts = {
  readonly dgram: () => Pick<typeof import('node:dgram'), 'createSocket'>;
  readonly resolve: (host: string) => Promise<LookupAddress>;
};

// Loaded with the first datagram: an environment that is never sampled never pays for them.
export const builtinParts: DaemonSocketParts = {
  dgram: () => process.getBuiltinModule('node:dgram'),
  // `localhost` is often both, and the daemon listens on 127.0.0.1 if nobody says otherwise; the X-Ray SDK knows IPv4 alone.
  resolve: (host) => process.getBuiltinModule('node:dns').promises.lookup(host, { order: 'ipv4first' }),
};

export class DaemonSocket {
  readonly #daemon: DaemonAddress;
  readonly #parts: DaemonSocketParts;
  #target: Target | undefined;
  #resolving: Promise<Target | undefined> | undefined;
  #resolveAgainAt = 0;
  #socket: Socket | undefined;
  #isRefused = false;

  constructor(daemon: DaemonAddress, parts: DaemonSocketParts) {
    this.#daemon = daemon;
    this.#parts = parts;
    if (daemon.family !== 0) this.#target = { address: daemon.host, family: daemon.family };
  }

  /** True when datagrams can go out at once. */
  get isResolved(): boolean {
    return this.#target !== undefined;
  }

  /** Resolves the daemon's name, once as long as it is there. False when there is no such name (asked again after half a minute). */
  async resolve(): Promise<boolean> {
    if (this.#target !== undefined) return true;
    if (now() < this.#resolveAgainAt) return false;
    this.#resolving ??= this.#lookUp();
    this.#target = await this.#resolving;
    return this.#target !== undefined;
  }

  async #lookUp(): Promise<Target | undefined> {
    try {
      const { address, family } = await this.#parts.resolve(this.#daemon.host);
      return { address, family: family === 6 ? 6 : 4 };
    } catch {
      this.#resolveAgainAt = now() + RESOLVE_AGAIN_MS;
      return undefined;
    } finally {
      this.#resolving = undefined;
    }
  }

  /** Sends one datagram; `done` gets undefined when the kernel took it, else the error's code. Needs a resolved name. */
  send(datagram: Buffer, done: (failure: string | undefined) => void): void {
    try {
      const { address, family } = this.#target!;
      this.#socket ??= this.#open(address, family);
      this.#socket.send(datagram, (error) => {
        const failure = error === null ? undefined : codeOf(error);
        // Of a datagram before this one: the kernel tells whoever asks next.
        if (failure === REFUSED) this.#isRefused = true;
        done(failure);
      });
    } catch (error) {
      // A closed socket throws.
      const failure = codeOf(error);
      nextTick(() => done(failure));
    }
  }

  /**
   * Whether one of the datagrams since the last call met nobody. The event loop looks for the answer between two rounds of
   * immediates, and the first may come before it has looked.
   */
  wasRefused(): Promise<boolean> {
    return new Promise((resolve) => {
      setImmediate(() => {
        setImmediate(() => {
          const isRefused = this.#isRefused;
          this.#isRefused = false;
          resolve(isRefused);
        });
      });
    });
  }

  /** Nobody listens there: the name, if it is one, may stand for another address by now. */
  moved(): void {
    if (this.#daemon.family !== 0) return;
    this.#target = undefined;
    this.discard();
  }

  /** Forgets the socket; the next datagram makes a new one. */
  discard(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close();
    } catch {
      // It was closed already: that may be why it broke.
    }
  }

  /** Connecting to a numeric address is over when this returns: a process that exits can still send. */
  #open(address: string, family: 4 | 6): Socket {
    const socket = this.#parts.dgram().createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // The address is numeric: without this Node asks DNS code all the same.
      lookup: (hostname, _options, callback) => callback(null, hostname, family),
    });
    socket.unref();
    socket.on('error', (error) => {
      if (codeOf(error) === REFUSED) this.#isRefused = true;
      else if (this.#socket === socket) this.discard();
    });
    connect(socket, this.#daemon.port, address);
    return socket;
  }
}

/**
 * Node before 24.19 has no `connectSync`, but does the same when it need not look the address up. On the way it loads `node:cluster`
 * and `node:child_process`: half a millisecond of the first flush.
 */
function connect(socket: Socket, port: number, address: string): void {
  if (socket.connectSync === undefined) {
    socket.connect(port, address);
    return;
  }
  try {
    socket.connectSync(port, address);
  } catch (error) {
    socket.close();
    throw error;
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
