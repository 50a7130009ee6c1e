// Queries to PostgreSQL as they go over the wire, for clients that are bundled: their module is beyond reach, but they speak a
// public protocol. Bytes are looked at in passing; none is changed, delayed or kept back. A connection that speaks anything else is
// left alone after its first write. Source: PostgreSQL manual, "Frontend/Backend Protocol".

import { syncBuiltinESMExports } from 'node:module';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CallEnvironment } from '../call-scope.ts';
import { PostgresConversation } from './postgres-conversation.ts';

const PROTOCOL_3 = 3;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Streams = { write: Method; push: Method };

/** Returns what looks at a connection before its first byte. */
export function createPostgresTap(environment: CallEnvironment): (socket: Socket) => void {
  /** Plain connections that asked for TLS: what is made on top of one speaks PostgreSQL too. */
  const upgrading = new WeakSet<object>();
  let isWatchingTls = false;

  const watchUpgrades = (): void => {
    if (isWatchingTls) return;
    isWatchingTls = true;
    const tls = process.getBuiltinModule('node:tls');
    const { connect } = tls;
    const replacement = {
      connect(this: unknown, ...args: unknown[]): TLSSocket {
        const secured = Reflect.apply(connect, this, args as Parameters<typeof connect>) as TLSSocket;
        const { socket } = (args[0] ?? {}) as { socket?: object };
        if (socket !== undefined && upgrading.has(socket)) tap(secured);
        return secured;
      },
    };
    Object.assign(tls, replacement);
    syncBuiltinESMExports();
  };

  const tap = (socket: Socket): void => {
    const target = socket as unknown as Streams;
    const { write } = target;
    const isOwn = Object.hasOwn(target, 'write');
    const onFirstWrite: Method = function (...args) {
      // Somebody has put himself before us meanwhile: he stays, and we stay out.
      if (target.write !== onFirstWrite) return Reflect.apply(write, this, args);
      if (isOwn) target.write = write;
      else delete (target as Partial<Streams>).write;
      try {
        const first = args[0];
        if (first instanceof Uint8Array) recognise(socket, bytesOf(first));
      } catch (error) {
        environment.report(`queries to PostgreSQL are not traced: ${error}`);
      }
      return Reflect.apply(target.write, this, args);
    };
    target.write = onFirstWrite;
  };

  const recognise = (socket: Socket, first: Buffer): void => {
    if (first.length < 8) return;
    const length = first.readUInt32BE(0);
    const code = first.readUInt32BE(4);
    if (length === 8 && (code === SSL_REQUEST || code === GSS_REQUEST)) {
      upgrading.add(socket);
      watchUpgrades();
    } else if (code >>> 16 === PROTOCOL_3 && length <= first.length && length < 10_000) {
      follow(socket, new PostgresConversation(environment, first.subarray(8, length), socket));
    }
  };

  return tap;
}

/** From here on both directions pass by the conversation. */
function follow(socket: Socket, conversation: PostgresConversation): void {
  const target = socket as unknown as Streams;
  const { write, push } = target;
  let isStarted = false;
  let isBroken = false;
  const show = (work: () => void): void => {
    if (isBroken) return;
    try {
      work();
    } catch {
      // Not the protocol that it seemed to be.
      isBroken = true;
    }
  };
  target.write = function (...args) {
    const [chunk] = args;
    if (isStarted && chunk instanceof Uint8Array) show(() => conversation.sent(bytesOf(chunk)));
    isStarted = true;
    return Reflect.apply(write, this, args);
  };
  target.push = function (...args) {
    const [chunk] = args;
    if (chunk instanceof Uint8Array) show(() => conversation.received(bytesOf(chunk)));
    return Reflect.apply(push, this, args);
  };
  socket.once('close', () => show(() => conversation.closed()));
}

const bytesOf = (chunk: Uint8Array): Buffer => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
