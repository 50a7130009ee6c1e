// HTTP/1.1 on a raw socket, for endpoints without TLS and without a proxy: the collector beside the function. Not a general client:
// POST requests to one URL. `NodeClient` is its oracle in socket-client-property.test.ts.

import { Socket } from 'node:net';
import { type HttpResponse, ResponseReader } from '../../../runtime/api/response-reader.ts';
import { wallNow } from '../../../runtime/untouched.ts';
import {
  type HttpAnswer,
  type HttpAttempt,
  type HttpClient,
  type HttpHeaders,
  LONGEST_ANSWER_BYTES,
  NoAnswer,
  readStatusLine,
  STATUS_LINE_CHARS,
} from './http-verdict.ts';
import { startTimeLimit, stopTimeLimit, type TimeLimit } from './time-limit.ts';

/** Up to here head and body are copied into one buffer and leave with one write. */
const ONE_WRITE_BYTES = 64 * 1024;

/** An answer is read to its end, for the connection's sake, unless it is longer than this. */
const MOST_READ_BYTES = 1024 * 1024;

// Bytes are copied out of this buffer at once, so one serves every connection: no allocation per read.
const READ_BUFFER = Buffer.allocUnsafeSlow(16 * 1024);

/** A second before the server closes the connection a request might still meet it halfway. */
const CLOSING_MS = 1000;

export class SocketClient implements HttpClient {
  readonly #url: URL;
  #socket: Socket | undefined;
  #reader = new ResponseReader();
  /** The server's own wish for how long an idle connection is kept. */
  #closesAtEpochMs = Number.POSITIVE_INFINITY;

  // The head of the latest request, up to the number of its bytes: it is nearly always that of the next one too.
  #headers: HttpHeaders | undefined;
  #head = '';

  // The request under way.
  #resolve: ((attempt: HttpAttempt) => void) | undefined;
  #limit: TimeLimit | undefined;
  #timeoutMs = 0;
  #wasReused = false;
  #hasLeft = false;
  #answerBytes = 0;
  /** The start of an answer that came in pieces. */
  #start = '';

  readonly #left = (error?: Error | null): void => {
    // Handed to the kernel to the last byte: a receiver cannot make anything of less.
    if (!error) this.#hasLeft = true;
  };
  readonly #giveUp = (): void => this.#fail(new NoAnswer(this.#timeoutMs));

  constructor(url: URL) {
    this.#url = url;
  }

  send(headers: HttpHeaders, body: Uint8Array, timeoutMs: number): Promise<HttpAttempt> {
    if (this.#resolve !== undefined) throw new Error('one request at a time on a connection');
    if (headers !== this.#headers) {
      this.#head = headOf(this.#url, headers);
      this.#headers = headers;
    }
    const head = `${this.#head}${body.length}\r\n\r\n`;
    if (this.#closesAtEpochMs <= wallNow()) this.close();
    const kept = this.#socket;
    const socket = kept ?? this.#connect();
    this.#wasReused = kept !== undefined;
    this.#hasLeft = false;
    this.#answerBytes = 0;
    this.#start = '';
    this.#timeoutMs = timeoutMs;
    if (kept !== undefined) kept.ref();
    if (body.length <= ONE_WRITE_BYTES) {
      // Not from Node's pool, of which every slab that is still in use at a collection stays until the next full one.
      const bytes = Buffer.allocUnsafeSlow(head.length + body.length);
      bytes.write(head, 'latin1');
      bytes.set(body, head.length);
      socket.write(bytes, this.#left);
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body, this.#left);
      socket.uncork();
    }
    this.#limit = startTimeLimit(timeoutMs, this.#giveUp);
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): Socket {
    this.#reader = new ResponseReader();
    this.#closesAtEpochMs = Number.POSITIVE_INFINITY;
    // Not `net.connect`, which user code may have replaced.
    const socket: Socket = new Socket({
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (bytes: number) => {
          if (socket === this.#socket) this.#read(READ_BUFFER.subarray(0, bytes));
          return true;
        },
      },
    } as object);
    socket.on('error', (error) => {
      if (socket === this.#socket) this.#fail(error);
    });
    const ended = (): void => {
      if (socket === this.#socket) this.#end();
    };
    socket.on('end', ended);
    socket.on('close', ended);
    const { hostname, port } = this.#url;
    socket.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) });
    this.#socket = socket;
    return socket;
  }

  #read(bytes: Buffer): void {
    if (this.#resolve === undefined) {
      // Nothing was asked: whatever it is, the next answer must not begin with it.
      this.close();
      return;
    }
    this.#answerBytes += bytes.length;
    let response: HttpResponse | undefined;
    let failure: Error | undefined;
    try {
      response = this.#reader.push(bytes);
    } catch (error) {
      failure = error as Error;
    }
    if (response !== undefined) {
      this.#keep(response);
      this.#settle(answerOf(response), undefined);
      return;
    }
    if (this.#start.length < STATUS_LINE_CHARS) this.#start += bytes.toString('latin1', 0, STATUS_LINE_CHARS);
    if (failure !== undefined) this.#fail(failure);
    else if (this.#answerBytes > MOST_READ_BYTES) this.#end();
  }

  /** Whether the connection may serve another request. */
  #keep({ keepsAlive, headers }: HttpResponse): void {
    // An answer that came before the request had left may mean that the rest is not read.
    if (!keepsAlive || !this.#hasLeft) {
      this.close();
      return;
    }
    this.#socket?.unref();
    const seconds = /^timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1];
    this.#closesAtEpochMs =
      seconds === undefined ? Number.POSITIVE_INFINITY : wallNow() + Number(seconds) * 1000 - CLOSING_MS;
  }

  /** No more is read: what there is of the answer says what became of the request. */
  #end(): void {
    const reader = this.#reader;
    let response: HttpResponse | undefined;
    try {
      response = reader.end();
    } catch {
      response = reader.arrived;
    }
    if (response === undefined) this.#fail(connectionClosed());
    else {
      this.close();
      this.#settle(answerOf(response), undefined);
    }
  }

  #fail(error: Error): void {
    this.close();
    const answer = readStatusLine(this.#start);
    this.#settle(answer, answer === undefined ? error : undefined);
  }

  #settle(answer: HttpAnswer | undefined, error: Error | undefined): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    stopTimeLimit(this.#limit!);
    resolve({ answer, error, wasReused: this.#wasReused, hasLeft: this.#hasLeft });
  }
}

const answerOf = ({ status, headers, body }: HttpResponse): HttpAnswer => ({
  status,
  retryAfter: headers.get('retry-after'),
  body: body.length > LONGEST_ANSWER_BYTES ? body.subarray(0, LONGEST_ANSWER_BYTES) : body,
});

const connectionClosed = (): Error =>
  Object.assign(new Error('the connection was closed without an answer'), { code: 'ECONNRESET' });

/**
 * The head of a request up to the value of `content-length`, which is last.
 * @throws Error that names the header that HTTP does not allow, without its value
 */
function headOf(url: URL, headers: HttpHeaders): string {
  const lines = [`POST ${url.pathname}${url.search} HTTP/1.1`];
  // In this order, so that the settings' own come after and win.
  const all: Record<string, string> = { host: url.host, connection: 'keep-alive', ...headers };
  if (url.username && !all.authorization) all.authorization = basicAuthorization(url);
  for (const name of Object.keys(all)) {
    // How the body is framed is not the settings' to say.
    if (name === 'transfer-encoding' || name === 'content-length') continue;
    const value = all[name]!;
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new Error(`${JSON.stringify(name)} is no name of an HTTP header`);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw new Error(`the value of the header "${name}" is not allowed in HTTP`);
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\ncontent-length: `;
}

function basicAuthorization({ username, password }: URL): string {
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(user).toString('base64')}`;
}
