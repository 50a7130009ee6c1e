// Messages come out of the stream the same, in whatever pieces it arrives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageStream, readText } from '../../../../instrumentation/outgoing/databases/message-stream.ts';
import { fc } from '../../../support/property.ts';

type Message = readonly [type: string, payload: Buffer];

const encode = ([type, payload]: Message): Buffer => {
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, payload]);
};

const messages = fc.array(
  fc.tuple(
    fc.constantFrom('Q', 'P', 'D', 'Z'),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  ),
  { maxLength: 20 },
);

test('whole messages, cut anywhere; payloads only of those that are wanted', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(30), { maxLength: 60 }), (given, sizes) => {
      const bytes = Buffer.concat(given.map(encode));
      const taken: Message[] = [];
      const stream = new MessageStream('QP', (type, payload) => taken.push([type, payload]));
      let at = 0;
      for (const size of sizes) {
        const chunk = Buffer.from(bytes.subarray(at, at + size));
        stream.feed(chunk);
        // Whoever reads the socket may use its memory again.
        chunk.fill(0);
        at += size;
      }
      stream.feed(bytes.subarray(at));
      assert.deepEqual(
        taken,
        given.map(([type, payload]) => [type, 'QP'.includes(type) ? payload : Buffer.alloc(0)]),
      );
    }),
  );
});

test('any bytes are survived, and long payloads are not kept', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      new MessageStream('QPBCE', () => {}).feed(Buffer.from(bytes));
    }),
  );
  let kept = -1;
  const stream = new MessageStream('Q', (_type, payload) => {
    kept = payload.length;
  });
  const bytes = encode(['Q', Buffer.alloc(1_000_000)]);
  for (let at = 0; at < bytes.length; at += 10_000) stream.feed(bytes.subarray(at, at + 10_000));
  assert.equal(kept, 65_536);
});

test('texts end with a zero, or with the payload', () => {
  const payload = Buffer.from('one\0zwei\0drei');
  assert.deepEqual(readText(payload, 0), { text: 'one', end: 4 });
  assert.deepEqual(readText(payload, 4), { text: 'zwei', end: 9 });
  assert.equal(readText(payload, 9).text, 'drei');
  assert.equal(readText(payload, 99).text, '');
});
