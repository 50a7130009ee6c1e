// The stub's reader of requests: however the bytes are cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeResponse, RequestReader, type WireRequest } from './http-wire.ts';

/** Feeds `bytes` in pieces of the given lengths, the rest in one. */
function read(bytes: Buffer, cuts: readonly number[]): WireRequest[] {
  const requests: WireRequest[] = [];
  const reader = new RequestReader((request) => requests.push(request));
  let at = 0;
  for (const length of cuts) {
    reader.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at < bytes.length) reader.push(bytes.subarray(at));
  return requests;
}

const conversation = Buffer.from(
  [
    'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nContent-Length: 12\r\n\r\n{"a":"\r\n\r\n"}',
    'POST /v1/traces HTTP/1.1\r\ncontent-type: x\r\ncontent-length:0\r\n\r\n',
    'GET /next HTTP/1.1\r\n\r\n',
  ].join(''),
  'latin1',
);

test('requests with and without bodies, in any pieces', () => {
  const expected = [
    ['GET', '/2018-06-01/runtime/invocation/next', 0],
    ['POST', '/2018-06-01/runtime/invocation/1/response', 12],
    ['POST', '/v1/traces', 0],
    ['GET', '/next', 0],
  ];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }), (cuts) => {
      const seen = read(conversation, cuts).map(({ method, path, bodyBytes }) => [method, path, bodyBytes]);
      assert.deepEqual(seen, expected);
    }),
  );
});

test('a chunked body ends with its last chunk, and the next request follows', () => {
  const chunked = Buffer.from(
    'POST /v1/traces HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }), (cuts) => {
      const requests: WireRequest[] = [];
      const reader = new RequestReader((request) => requests.push(request));
      for (let at = 0, next = 0; at < chunked.length; at += cuts[next - 1] ?? chunked.length) {
        reader.push(chunked.subarray(at, at + (cuts[next++] ?? chunked.length)));
      }
      reader.push(Buffer.from('GET /after HTTP/1.1\r\n\r\n'));
      assert.deepEqual(
        requests.map(({ path }) => path),
        ['/v1/traces', '/after'],
      );
    }),
  );
});

test('a large body is counted and its beginning kept', () => {
  const head = Buffer.from('POST /r HTTP/1.1\r\nContent-Length: 100000\r\n\r\n');
  const [request] = read(Buffer.concat([head, Buffer.alloc(100_000, 'x')]), [10, 500, 65_536]);
  assert.equal(request!.bodyBytes, 100_000);
  assert.match(request!.bodyStart, /^x{400,10000}$/);
});

test('responses announce their length in bytes', () => {
  const text = makeResponse('200 OK', '{"ü":1}', { 'X-Id': '7' }).toString();
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(text, /\r\nX-Id: 7\r\n/);
  assert.match(text, /\r\nContent-Length: 8\r\n\r\n\{"ü":1\}$/);
});
