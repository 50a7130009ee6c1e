// As much of a MongoDB server as its driver needs to connect, write and find: Debian has no package of the real one. Source: MongoDB
// Wire Protocol, "OP_MSG", and for the first message the legacy "OP_QUERY".

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Scope, startTcpServer } from '../support/tcp-server.ts';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

type Document = Readonly<Record<string, unknown>>;
type Bson = {
  readonly Long: { fromNumber(value: number): unknown };
  serialize(document: Document): Uint8Array;
  deserialize(bytes: Uint8Array): Document;
};

const HELLO = {
  ok: 1,
  ismaster: true,
  isWritablePrimary: true,
  helloOk: true,
  minWireVersion: 0,
  maxWireVersion: 25,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
};

/** `packages`: a folder where the driver and its `bson` are installed. Resolves with the port. */
export function startMongoStub(scope: Scope, packages: string): Promise<number> {
  const bson = createRequire(join(packages, 'package.json'))('bson') as Bson;
  return startTcpServer(scope, (socket) => {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 16 && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0));
        received = received.subarray(message.length);
        socket.write(answer(message, bson));
      }
    });
  });
}

function answer(message: Buffer, bson: Bson): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  // After flags, name, skip and limit; or after flags and the kind of the section.
  const start = isQuery ? message.indexOf(0, 20) + 9 : 21;
  const document = bson.deserialize(message.subarray(start, start + message.readInt32LE(start)));
  const body = bson.serialize(run(document, bson));
  const head = Buffer.alloc(isQuery ? 36 : 21);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(message.readInt32LE(4), 8);
  head.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
  if (isQuery) head.writeInt32LE(1, 32);
  return Buffer.concat([head, body]);
}

function run(command: Document, { Long }: Bson): Document {
  if ('find' in command) {
    return {
      ok: 1,
      cursor: { id: Long.fromNumber(0), ns: `${command.$db}.${command.find}`, firstBatch: [{ sku: 'a' }] },
    };
  }
  if ('insert' in command) return { ok: 1, n: 1 };
  if ('hello' in command || 'ismaster' in command || 'isMaster' in command) return HELLO;
  if ('endSessions' in command) return { ok: 1 };
  return { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `no such command: ${Object.keys(command)[0]}` };
}
