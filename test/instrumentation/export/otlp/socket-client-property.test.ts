// Property: the client on a raw socket against Node's own. Whatever a receiver answers, however its bytes are cut and wherever they
// stop, both transports come to the same verdicts, with as many requests over as many connections; and both send the same requests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Transport, Verdict } from '../../../../instrumentation/export/otlp/delivery.ts';
import {
  createHttpTransport,
  type HttpTransportOptions,
} from '../../../../instrumentation/export/otlp/http-transport.ts';
import { NodeClient } from '../../../../instrumentation/export/otlp/node-client.ts';
import { decodePartialSuccess } from '../../../../instrumentation/export/otlp/protobuf-answer.ts';
import { SocketClient } from '../../../../instrumentation/export/otlp/socket-client.ts';
import { rawResponse, split, splitting } from '../../../property/raw-responses.ts';
import { startHttpServer } from '../../../support/http-server.ts';
import { fc } from '../../../support/property.ts';
import { startTcpServer } from '../../../support/tcp-server.ts';

type Kind = 'socket' | 'node';

function open(kind: Kind, url: URL, options: Partial<HttpTransportOptions> = {}): Transport & { close(): void } {
  const client = kind === 'socket' ? new SocketClient(url) : new NodeClient(url, {}, undefined);
  const all: HttpTransportOptions = {
    url,
    contentType: 'application/x-protobuf',
    headers: () => ({}),
    compression: 'none',
    tls: {},
    decodeAnswer: decodePartialSuccess,
    ...options,
  };
  return { ...createHttpTransport(all, client), close: () => client.close() };
}

/** What the server does with one request: these bytes in these pieces, and then the connection ends or does not. */
type Reply = { readonly bytes: Buffer; readonly sizes: readonly number[]; readonly ending: 'none' | 'end' | 'reset' };

const PARTIAL = Buffer.of(0x0a, 0x0b, 0x08, 0x02, 0x12, 0x07, ...Buffer.from('too old'));

/** Answers as receivers of OTLP give them, besides everything else that HTTP allows. */
const likelyResponse = fc
  .record({
    status: fc.constantFrom(200, 202, 400, 401, 413, 429, 500, 502, 503, 504),
    retryAfter: fc.constantFrom(
      '',
      'Retry-After: 7\r\n',
      'retry-after:  0 \r\n',
      'Retry-After: soon\r\n',
      'Retry-After: 3\r\nRetry-After: 9\r\n',
    ),
    keepAlive: fc.constantFrom('', 'Keep-Alive: timeout=60\r\n', 'Keep-Alive: timeout=1\r\n', 'Connection: close\r\n'),
    body: fc.constantFrom(
      Buffer.alloc(0),
      PARTIAL,
      PARTIAL.subarray(0, 5),
      Buffer.from('{"message":"no"}'),
      Buffer.from('é'.repeat(150)),
    ),
    isChunked: fc.boolean(),
  })
  .map(({ status, retryAfter, keepAlive, body, isChunked }) => {
    const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
    const head = `HTTP/1.1 ${status} Some Reason\r\n${retryAfter}${keepAlive}${framing}\r\n\r\n`;
    const size = body.length === 0 ? '' : `${body.length.toString(16)}\r\n`;
    const parts = isChunked ? [size, body, size && '\r\n', '0\r\n\r\n'] : [body];
    return {
      bytes: Buffer.concat([Buffer.from(head), ...parts.map((part) => Buffer.from(part as string))]),
      keepsAlive: keepAlive !== 'Connection: close\r\n',
    };
  });

const anyResponse = fc.oneof(likelyResponse, rawResponse);

const reply: fc.Arbitrary<Reply> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(anyResponse, splitting, fc.boolean()).map(
      ([{ bytes, keepsAlive }, sizes, isEnded]): Reply => ({
        bytes,
        sizes,
        ending: isEnded || !keepsAlive ? 'end' : 'none',
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(anyResponse, splitting, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })).map(
      ([{ bytes }, sizes, share]): Reply => ({
        bytes: bytes.subarray(0, Math.floor(share * bytes.length)),
        sizes,
        ending: 'end',
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Reply>(
      { bytes: Buffer.alloc(0), sizes: [1], ending: 'reset' },
      { bytes: Buffer.from('hello, this is not HTTP\r\n\r\n'), sizes: [5], ending: 'end' },
      { bytes: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx'), sizes: [50], ending: 'end' },
      {
        bytes: Buffer.from('HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'),
        sizes: [50],
        ending: 'end',
      },
    ),
  },
);

type Story = { readonly verdicts: Verdict[]; readonly requests: number; readonly connections: number };

/** Posts as many messages as there are replies; retries take further ones, and then there is a plain 200. */
async function play(kind: Kind, replies: readonly Reply[]): Promise<Story> {
  let requests = 0;
  let connections = 0;
  const closing: Promise<void>[] = [];
  const work: (() => unknown)[] = [];
  const port = await startTcpServer({ after: (end) => work.push(end) }, (socket) => {
    connections++;
    socket.setNoDelay(true);
    const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
    socket.on('data', async (bytes) => {
      if (!bytes.toString('latin1').startsWith('POST ')) return;
      const {
        bytes: answer,
        sizes,
        ending,
      } = replies[requests++] ?? {
        bytes: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
        sizes: [1000],
        ending: 'none',
      };
      if (ending !== 'none') closing.push(closed);
      for (const piece of split(answer, sizes)) {
        socket.write(piece);
        await nextTurn();
      }
      if (ending === 'end') socket.end();
      else if (ending === 'reset') socket.resetAndDestroy();
    });
  });
  const transport = open(kind, new URL(`http://127.0.0.1:${port}/v1/traces`));
  try {
    const verdicts: Verdict[] = [];
    for (const _ of replies) {
      verdicts.push(comparable(await transport.post(Buffer.from('spans'), 20_000)));
      // Whether the client has noticed by then is no matter of chance.
      await Promise.all(closing);
    }
    return { verdicts, requests, connections };
  } finally {
    transport.close();
    for (const end of work) await end();
  }
}

/** Each client has words of its own for a connection that failed, none for what the receiver said. */
const comparable = (verdict: Verdict): Verdict =>
  'error' in verdict && !verdict.error.startsWith('answered ') ? { ...verdict, error: '' } : verdict;

test('whatever the receiver does: the same verdicts, requests and connections as with node:http', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 3 }), async (replies) => {
      const [bySocket, byNode] = await Promise.all([play('socket', replies), play('node', replies)]);
      assert.deepEqual(bySocket, byNode);
      for (const { kind, mayHaveArrived, wasResent } of bySocket.verdicts) {
        seen.add(`${kind}${mayHaveArrived ? ', doubtful' : ''}${wasResent ? ', resent' : ''}`);
      }
    }),
    { numRuns: 300 },
  );
  for (const kind of [
    'taken',
    'taken, resent',
    'again',
    'again, doubtful',
    'later, doubtful',
    'too large',
    'refused',
  ]) {
    assert.ok(seen.has(kind), `${kind} is among ${[...seen].join('; ')}`);
  }
});

const headerName = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~019AZaz"), minLength: 1, maxLength: 12 }),
  fc.constantFrom('Authorization', 'host', 'X-Api-Key', 'user-agent', 'content-type', 'Content-Length', 'x-a', 'X-A'),
  fc.constantFrom('not allowed', 'nöt', 'a:b', 'line\r\nbreak'),
);
const headerValue = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 30 }),
  fc.constantFrom('é', ' blanks around ', 'tab\tinside', 'a\r\nx-injected: b', 'line\nbreak', '€', '\0', ''),
);
const path = fc.constantFrom('/v1/traces', '/', '/a%20b/ü', '/x?key=hunter2&b=%C3%A4', '/?');
const user = fc.constantFrom('', 'user@', 'us%20er:p%40ss@', ':only-password@');

test('whatever the settings say: the same request as with node:http, or neither makes one', async (t) => {
  let refused = 0;
  const { port, requests } = await startHttpServer(t, (_request, response) => response.end());
  const sendBy = async (kind: Kind, url: URL, options: Partial<HttpTransportOptions>, message: Uint8Array) => {
    const transport = open(kind, url, options);
    try {
      for (let i = 0; i < 2; i++) await transport.post(message, 20_000);
    } catch {
      refused++;
      return undefined;
    } finally {
      transport.close();
    }
    return requests.splice(0).map(({ method, path: target, headers, body }) => ({
      method,
      target,
      headers: Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)),
      body: body.toString('hex'),
    }));
  };
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
      path,
      user,
      fc.constantFrom<'gzip' | 'none'>('gzip', 'none'),
      fc.constantFrom(0, 1, 1023, 1024, 65_536, 65_537, 300_000),
      async (headers, target, credentials, compression, bytes) => {
        const url = new URL(`http://${credentials}127.0.0.1:${port}${target}`);
        const message = Buffer.alloc(bytes, 'spans ');
        const options = { headers: () => headers, compression };
        assert.deepEqual(await sendBy('socket', url, options, message), await sendBy('node', url, options, message));
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(refused > 10, `${refused}`);
});
