// HTTP/1.1 responses as bytes, every legal oddity included, for properties about whoever reads them.

import fc from 'fast-check';

export type RawResponse = {
  readonly bytes: Buffer;
  /** The body ends with the connection. */
  readonly isUntilClose: boolean;
  /** Sensible to read another response from the same connection. */
  readonly keepsAlive: boolean;
};

const tokenChars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Names that say how the message is framed or what becomes of the connection; those are chosen on purpose below. */
const reserved = /^(content-length|transfer-encoding|connection|proxy-connection|upgrade|keep-alive|trailer)$/i;

const token = fc.string({ unit: fc.constantFrom(...tokenChars), minLength: 1, maxLength: 20 });
const headerName = fc.oneof(
  token.filter((name) => !reserved.test(name)),
  fc.constantFrom('Set-Cookie', 'set-cookie', 'DATE', 'Content-Type', 'Lambda-Runtime-Aws-Request-Id', 'x-a', 'X-A'),
);
/** Latin1 with everything that a value may contain: visible characters and obs-text, blanks and tabs between them. */
const valueChar = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
  { weight: 3, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
  { weight: 1, arbitrary: fc.constantFrom(0x20, 0x09, 0xa0, 0x85, 0xad) },
);
const headerValue = fc
  .array(valueChar, { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes).replace(/^[ \t]+|[ \t]+$/g, ''));
const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });

const headerLine = fc
  .tuple(headerName, blanks, headerValue, blanks)
  .map(([name, before, value, after]) => `${name}:${before}${value}${after}`);

const statusCode = fc.oneof(
  fc.constantFrom(200, 202, 204, 304, 400, 403, 404, 410, 413, 500, 503),
  fc.integer({ min: 200, max: 599 }),
);
const reason = fc.oneof(
  fc.constant(''),
  fc.constant(' '),
  fc.string({ unit: fc.constantFrom(...tokenChars, ' '), maxLength: 20 }).map((text) => ` ${text}`),
);

const body = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));

type Framed = { readonly lines: readonly string[]; readonly bytes: Buffer; readonly isUntilClose: boolean };

const mixCase = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => [...text].map((char, at) => (upper[at] ? char.toUpperCase() : char.toLowerCase())).join(''));

const lengthFramed: fc.Arbitrary<Framed> = fc
  .tuple(mixCase('content-length'), body, blanks, blanks)
  .map(([name, bytes, before, after]) => ({
    lines: [`${name}:${before}${bytes.length}${after}`],
    bytes,
    isUntilClose: false,
  }));

const untilClose: fc.Arbitrary<Framed> = body.map((bytes) => ({ lines: [], bytes, isUntilClose: true }));

const chunkExtension = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(';a', ';a=b', ';a="q;\\" "', ';a=b;c=d') },
);
const chunkSize = (size: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.boolean(), fc.integer({ min: 0, max: 3 }))
    .map(([isUpper, zeros]) => '0'.repeat(zeros) + (isUpper ? size.toString(16).toUpperCase() : size.toString(16)));

const chunk = fc
  .uint8Array({ minLength: 1, maxLength: 120 })
  .chain((bytes) =>
    fc
      .tuple(chunkSize(bytes.length), chunkExtension)
      .map(([size, extension]) =>
        Buffer.concat([Buffer.from(`${size}${extension}\r\n`, 'latin1'), bytes, Buffer.from('\r\n')]),
      ),
  );

const chunkedFramed: fc.Arbitrary<Framed> = fc
  .tuple(
    mixCase('transfer-encoding'),
    mixCase('chunked'),
    fc.array(chunk, { maxLength: 6 }),
    fc.integer({ min: 1, max: 3 }),
    chunkExtension,
    fc.array(headerLine, { maxLength: 3 }),
  )
  .map(([name, coding, chunks, zeros, extension, trailers]) => ({
    lines: [`${name}: ${coding}`],
    bytes: Buffer.concat([
      ...chunks,
      Buffer.from(
        `${'0'.repeat(zeros)}${extension}\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`,
        'latin1',
      ),
    ]),
    isUntilClose: false,
  }));

/** 204 and 304 have no body, whatever their headers say of one. */
const bodiless: fc.Arbitrary<Framed> = fc
  .constantFrom<readonly string[]>([], ['Content-Length: 12'], ['Transfer-Encoding: chunked'])
  .map((lines) => ({ lines, bytes: Buffer.alloc(0), isUntilClose: false }));

const connectionLine = fc.oneof(
  { weight: 4, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(mixCase('connection'), fc.constantFrom('close', 'keep-alive'))
      .chain(([name, value]) => mixCase(value).map((mixed) => [`${name}: ${mixed}`])),
  },
);

const interim = fc
  .tuple(fc.constantFrom('100 Continue', '102 Processing', '103 Early Hints'), fc.array(headerLine, { maxLength: 2 }))
  .map(([status, lines]) => `HTTP/1.1 ${[status, ...lines].join('\r\n')}\r\n\r\n`);

/** A valid response to a GET request. */
export const rawResponse: fc.Arbitrary<RawResponse> = statusCode.chain((status) => {
  const framings = status === 204 || status === 304 ? bodiless : fc.oneof(lengthFramed, chunkedFramed, untilClose);
  return fc
    .record({
      interims: fc.array(interim, { maxLength: 2 }),
      version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
      reason,
      before: fc.array(headerLine, { maxLength: 4 }),
      after: fc.array(headerLine, { maxLength: 4 }),
      connection: connectionLine,
      framed: framings,
    })
    .map(({ interims, version, reason: text, before, after, connection, framed }) => {
      const lines = [`HTTP/${version} ${status}${text}`, ...before, ...framed.lines, ...connection, ...after];
      const isClosed = /close/i.test(connection[0] ?? '');
      return {
        bytes: Buffer.concat([
          Buffer.from(`${interims.join('')}${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
          framed.bytes,
        ]),
        isUntilClose: framed.isUntilClose,
        keepsAlive: !framed.isUntilClose && (version === '1.1' ? !isClosed : /keep-alive/i.test(connection[0] ?? '')),
      };
    });
});

/** Ways to cut bytes into the pieces in which they arrive: sizes that are used in turn. */
export const splitting: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([1]),
  fc.constant([1 << 20]),
  fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
);

export function* split(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
