// Property: the hand-written HTTP reader against `node:http`. Whatever valid response arrives, and however it is cut, both
// must read the same; whatever else arrives, the reader says so and nothing worse.

import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';

import { type HttpResponse, MalformedResponse, ResponseReader } from '../../runtime/api/response-reader.ts';
import { fc } from '../support/property.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { rawResponse, split, splitting } from './raw-responses.ts';

type Plain = { status: number; headers: (readonly [string, string])[]; body: string; keepsAlive: boolean };

const plain = ({ status, headers, body, keepsAlive }: HttpResponse): Plain => ({
  status,
  headers: [...headers],
  body: body.toString('hex'),
  keepsAlive,
});

/** Feeds pieces through one buffer that is overwritten after every push, as the connection does. */
function readAll(reader: ResponseReader, bytes: Buffer, sizes: readonly number[]): HttpResponse[] {
  const found: HttpResponse[] = [];
  const shared = Buffer.alloc(bytes.length);
  for (const piece of split(bytes, sizes)) {
    piece.copy(shared);
    const response = reader.push(shared.subarray(0, piece.length));
    shared.fill(0xff);
    if (response !== undefined) found.push(response);
  }
  const last = reader.end();
  return last === undefined ? found : [...found, last];
}

test('every valid response reads as node:http reads it, however its bytes are cut', async (t) => {
  let next: Buffer = Buffer.alloc(0);
  const port = await startTcpServer(t, (socket) => {
    socket.once('data', () => socket.end(next));
  });
  const readByNode = (bytes: Buffer): Promise<Plain> => {
    next = bytes;
    // A keep-alive agent, because only then does node:http say whether the server would have kept the connection.
    const agent = new Agent({ keepAlive: true });
    const answered = new Promise<Plain>((resolve, reject) => {
      const request = get({ port, host: '127.0.0.1', agent }, (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const headers = new Map<string, string>();
          for (let at = 0; at < response.rawHeaders.length; at += 2) {
            const name = response.rawHeaders[at]!.toLowerCase();
            const value = response.rawHeaders[at + 1]!;
            const earlier = headers.get(name);
            headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
          }
          const { shouldKeepAlive: keepsAlive } = request;
          resolve({
            status: response.statusCode!,
            headers: [...headers],
            body: Buffer.concat(chunks).toString('hex'),
            keepsAlive,
          });
        });
      });
      request.on('error', reject);
    });
    return answered.finally(() => agent.destroy());
  };

  await fc.assert(
    fc.asyncProperty(rawResponse, splitting, async ({ bytes }, sizes) => {
      const expected = await readByNode(bytes);
      const found = readAll(new ResponseReader(), bytes, sizes);
      assert.deepEqual(found.map(plain), [expected]);
    }),
    { numRuns: 400 },
  );
});

test('responses that follow one another on a connection are read one by one', () => {
  fc.assert(
    fc.property(
      fc.array(rawResponse, { minLength: 2, maxLength: 4 }).filter((all) => all.every(({ keepsAlive }) => keepsAlive)),
      splitting,
      (responses, sizes) => {
        const reader = new ResponseReader();
        for (const { bytes } of responses) {
          const alone = readAll(new ResponseReader(), bytes, [bytes.length]);
          assert.equal(reader.isMidResponse, false);
          assert.deepEqual(readAll(reader, bytes, sizes).map(plain), alone.map(plain));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('a response that was read does not change when the reader goes on', () => {
  const reader = new ResponseReader();
  const first = readAll(reader, Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nfirst'), [7])[0]!;
  readAll(reader, Buffer.from('HTTP/1.1 202 OK\r\nContent-Length: 6\r\nX-A: 2\r\n\r\nsecond'), [7]);
  assert.equal(first.body.toString(), 'first');
  assert.equal(first.headers.get('x-a'), '1');
});

test('a response that breaks off anywhere is malformed, or was complete', () => {
  fc.assert(
    fc.property(
      rawResponse,
      splitting,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (response, sizes, share) => {
        const cut = Math.floor(share * response.bytes.length);
        const reader = new ResponseReader();
        try {
          const found = readAll(reader, response.bytes.subarray(0, cut), sizes);
          if (cut === 0) assert.deepEqual(found, []);
          else
            assert.ok(response.isUntilClose && found.length === 1, 'only a body without an end may be cut unnoticed');
        } catch (error) {
          assert.ok(error instanceof MalformedResponse, `${error}`);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('garbage is malformed, or it was a response: nothing else is thrown', () => {
  const mutated = fc
    .tuple(
      rawResponse,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom('set', 'insert', 'delete'), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 5,
      }),
    )
    .map(([{ bytes }, changes]) => {
      const all = [...bytes];
      for (const [where, how, value] of changes) {
        const at = all.length === 0 ? 0 : where % all.length;
        if (how === 'set') all[at] = value;
        else if (how === 'insert') all.splice(at, 0, value);
        else all.splice(at, 1);
      }
      return Buffer.from(all);
    });
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  let refused = 0;
  fc.assert(
    fc.property(
      fc.oneof({ weight: 3, arbitrary: mutated }, { weight: 1, arbitrary: noise }),
      splitting,
      (bytes, sizes) => {
        try {
          readAll(new ResponseReader(), bytes, sizes);
        } catch (error) {
          assert.ok(error instanceof MalformedResponse, `${error}`);
          assert.ok(error.message.length < 400, 'the message quotes only the start of what arrived');
          refused++;
        }
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(refused > 100, `the mutations must hit something: ${refused}`);
});
