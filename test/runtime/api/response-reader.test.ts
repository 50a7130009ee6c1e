import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedResponse, ResponseReader } from '../../../runtime/api/response-reader.ts';

const push = (text: string): ReturnType<ResponseReader['push']> =>
  new ResponseReader().push(Buffer.from(text, 'latin1'));

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', /not an HTTP\/1\.1 status line: "SSH-2\.0-OpenSSH"/],
  ['HTTP/2 in clear text', 'HTTP/2 200\r\n\r\n', /status line/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', /status line/],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', /status line/],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', /status line/],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nbroken\r\n\r\n', /not a header line: "broken"/],
  ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', /not a header line/],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n', /bad content-length: "abc"/],
  ['an empty length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n', /bad content-length: ""/],
  ['a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n', /bad content-length/],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', /bad content-length/],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', /bad content-length: "5, 6"/],
  ['a length over the limit', 'HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n', /the body is over 67108864 bytes/],
  ['a length beyond numbers', `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(16)}\r\n\r\n`, /bad content-length/],
  [
    'a coding nobody asked for',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    /transfer-encoding: "gzip/,
  ],
  [
    'a chunk size that is none',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    /not a chunk size: "xyz"/,
  ],
  ['a chunk size over the limit', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n123456789\r\n', /chunk size/],
  [
    'a chunk line without CR',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n',
    /does not end with CR LF/,
  ],
  [
    'a chunk longer than it says',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n',
    /longer than its/,
  ],
  ['bytes after the response', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc', /bytes follow the response/],
];

for (const [what, text, message] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(() => push(text), { name: 'MalformedResponse', message });
  });
}

test('a head without an end is given up after 1 MiB', () => {
  const reader = new ResponseReader();
  reader.push(Buffer.from('HTTP/1.1 200 OK\r\nX-A: '));
  assert.throws(() => reader.push(Buffer.alloc(1 << 20, 'a')), { message: /the head is over 1048576 bytes/ });
});

test('a chunked body is given up over 64 MiB, a chunk line or trailer over 1 MiB', () => {
  const start = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const long = new ResponseReader();
  long.push(Buffer.from(`${start}4000001\r\n`));
  const part = Buffer.alloc(1 << 24);
  for (let i = 0; i < 4; i++) long.push(part);
  assert.throws(() => long.push(Buffer.alloc(1)), { message: /the body is over 67108864 bytes/ });

  for (const open of ['1;', '0\r\nx: ']) {
    const line = new ResponseReader();
    line.push(Buffer.from(start + open));
    assert.throws(() => line.push(Buffer.alloc((1 << 20) + 1, 'a')), { message: /a chunk line is too long/ });
  }
});

test('what is quoted from the wire is short and printable', () => {
  assert.throws(
    () => push(`\u0007${'x'.repeat(5000)}\r\n\r\n`),
    (error) => error instanceof MalformedResponse && error.message.includes('\\u0007') && error.message.length < 150,
  );
});

test('headers: names in lower case, values without the blanks around them, repeated ones joined', () => {
  const response = push('HTTP/1.1 200 OK\r\nX-A: \t one\tand \r\nx-a:two\r\nEmpty:\r\nContent-Length: 0\r\n\r\n')!;
  assert.deepEqual(
    [...response.headers],
    [
      ['x-a', 'one\tand, two'],
      ['empty', ''],
      ['content-length', '0'],
    ],
  );
});

test('a value that ends in a byte which is a blank only outside of ASCII keeps it: `à` in UTF-8 is C3 A0', () => {
  const response = push('HTTP/1.1 200 OK\r\nX-A: \xc3\xa0\r\nContent-Length: 0\r\n\r\n')!;
  assert.equal(Buffer.from(response.headers.get('x-a')!, 'latin1').toString(), 'à');
});

test('204 and 304 have no body, whatever their headers say', () => {
  for (const status of [204, 304]) {
    for (const header of ['Content-Length: 10', 'Transfer-Encoding: chunked', 'X-A: 1']) {
      const response = push(`HTTP/1.1 ${status} None\r\n${header}\r\n\r\n`);
      assert.equal(response?.status, status);
      assert.equal(response?.body.length, 0);
    }
  }
});

test('interim responses come before the real one and leave nothing behind', () => {
  const response = push(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  )!;
  assert.equal(response.status, 200);
  assert.equal(response.headers.has('link'), false);
  assert.equal(response.body.toString(), 'ok');
});

test('a body without a length ends with the connection, an empty one too', () => {
  for (const body of ['', 'text']) {
    const reader = new ResponseReader();
    assert.equal(reader.push(Buffer.from(`HTTP/1.1 200 OK\r\n\r\n${body}`)), undefined);
    const response = reader.end();
    assert.equal(response?.body.toString(), body);
    assert.equal(response?.keepsAlive, false);
  }
});

test('it knows whether it is inside a response', () => {
  const reader = new ResponseReader();
  assert.equal(reader.isMidResponse, false);
  assert.equal(reader.end(), undefined, 'an end between responses is nobody’s fault');
  reader.push(Buffer.alloc(0));
  assert.equal(reader.isMidResponse, false);
  reader.push(Buffer.from('H'));
  assert.equal(reader.isMidResponse, true);
  assert.throws(() => reader.end(), { message: 'the connection ended inside a response' });
});
