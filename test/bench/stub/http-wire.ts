// The server side of HTTP/1.1 on raw sockets, with no more than the benchmark's clients send: what the stub itself costs must be
// small and the same for every variant.

import { createServer, type Server, type Socket } from 'node:net';

export type WireRequest = {
  readonly method: string;
  readonly path: string;
  readonly bodyBytes: number;
  /** The first bytes of the body, for error messages. */
  readonly bodyStart: string;
};

/** Called when a request is complete. The answer goes to `socket` as bytes, made by `makeResponse`. */
export type WireHandler = (request: WireRequest, socket: Socket) => void;

const SHOWN_BODY_BYTES = 4096;
const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('0\r\n\r\n');

/** Reads the requests of one connection; feed it with what arrives. */
export class RequestReader {
  readonly #onRequest: (request: WireRequest) => void;
  #unread: Buffer | undefined;
  #open: { method: string; path: string } | undefined;
  #bodyBytes = 0;
  /** Bytes of the body that are still to come; undefined: chunked. */
  #remaining: number | undefined = 0;
  #bodyStart = '';
  #tail: Buffer = Buffer.alloc(0);

  constructor(onRequest: (request: WireRequest) => void) {
    this.#onRequest = onRequest;
  }

  push(bytes: Buffer): void {
    let rest: Buffer | undefined = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]);
    this.#unread = undefined;
    while (rest !== undefined && rest.length > 0) {
      rest = this.#open === undefined ? this.#readHead(rest) : this.#readBody(rest);
    }
  }

  /** Returns what follows the head, or undefined when it is not complete. */
  #readHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) {
      this.#unread = bytes;
      return undefined;
    }
    const head = bytes.toString('latin1', 0, end);
    const [method = '', path = ''] = head.slice(0, head.indexOf('\r\n') < 0 ? end : head.indexOf('\r\n')).split(' ');
    this.#open = { method, path };
    this.#bodyBytes = 0;
    this.#bodyStart = '';
    this.#tail = Buffer.alloc(0);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const isChunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    this.#remaining = isChunked ? undefined : Number(length ?? 0);
    if (this.#remaining === 0) this.#complete();
    return bytes.subarray(end + HEAD_END.length);
  }

  #readBody(bytes: Buffer): Buffer | undefined {
    if (this.#remaining === undefined) return this.#readChunked(bytes);
    const own = bytes.length <= this.#remaining ? bytes : bytes.subarray(0, this.#remaining);
    this.#note(own);
    this.#remaining -= own.length;
    if (this.#remaining === 0) this.#complete();
    return own.length === bytes.length ? undefined : bytes.subarray(own.length);
  }

  /**
   * The clients here send one request and wait, so a chunked body ends where the bytes end with the last chunk. Its size counts
   * the framing too.
   */
  #readChunked(bytes: Buffer): undefined {
    this.#note(bytes);
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-CHUNKED_END.length)]).subarray(-CHUNKED_END.length);
    if (this.#tail.equals(CHUNKED_END)) this.#complete();
    return undefined;
  }

  #note(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    if (this.#bodyStart.length < SHOWN_BODY_BYTES) this.#bodyStart += bytes.toString('latin1', 0, SHOWN_BODY_BYTES);
  }

  #complete(): void {
    const { method, path } = this.#open!;
    this.#open = undefined;
    this.#onRequest({ method, path, bodyBytes: this.#bodyBytes, bodyStart: this.#bodyStart });
  }
}

/** Opens a server on a free port of the loopback interface. Broken connections are the peer's business. */
export function openWire(handle: WireHandler): Promise<{ readonly server: Server; readonly address: string }> {
  const server = createServer({ noDelay: true }, (socket) => {
    const reader = new RequestReader((request) => handle(request, socket));
    socket.on('data', (bytes) => reader.push(bytes));
    socket.on('error', () => socket.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        throw new TypeError('a TCP server has an address and a port');
      resolve({ server, address: `127.0.0.1:${address.port}` });
    });
  });
}

/** A complete response, to be written in one go. */
export function makeResponse(
  status: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const content = typeof body === 'string' ? Buffer.from(body) : body;
  const lines = Object.entries({ 'Content-Type': 'application/json', ...headers, 'Content-Length': content.length });
  const head = `HTTP/1.1 ${status}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), content]);
}
