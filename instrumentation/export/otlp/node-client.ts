// HTTP with Node's own client, for what a socket alone cannot do: TLS and proxies. undici would cost 12 MiB and 24 ms at its first
// request.

import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ProxyEnvironment } from '../proxy.ts';
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
import { startTimeLimit, stopTimeLimit } from './time-limit.ts';
import type { TlsOptions } from './tls.ts';

// Loaded when they are needed: evaluating node:https and what it stands on takes 7 ms of CPU, node:http 1.5 ms.
const http = (): typeof import('node:http') => process.getBuiltinModule('node:http');
const https = (): typeof import('node:https') => process.getBuiltinModule('node:https');

export class NodeClient implements HttpClient {
  readonly #agent: Agent;
  readonly #target: ConstructorParameters<typeof ClientRequest>[0];

  constructor(url: URL, tls: TlsOptions, proxyEnv: ProxyEnvironment | undefined) {
    const isTls = url.protocol === 'https:';
    const agentOptions = { keepAlive: true, maxSockets: 1, ...(proxyEnv && { proxyEnv }) };
    this.#agent = isTls ? new (https().Agent)({ ...agentOptions, ...tls }) : new (http().Agent)(agentOptions);
    this.#target = {
      agent: this.#agent,
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (isTls ? 443 : 80),
      path: url.pathname + url.search,
      method: 'POST',
      ...(url.username && { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
    };
  }

  send(headers: HttpHeaders, body: Uint8Array, timeoutMs: number): Promise<HttpAttempt> {
    const { promise, resolve } = Promise.withResolvers<HttpAttempt>();
    // Not `http.request`, which user code or its agents may have replaced.
    const request = new (http().ClientRequest)({
      ...(this.#target as object),
      headers: { ...headers, 'content-length': body.length },
    });
    const limit = startTimeLimit(timeoutMs, () => request.destroy(new NoAnswer(timeoutMs)));
    let hasLeft = false;
    const head = new AnswerHead();
    const settle = (answer: HttpAnswer | undefined, error: Error | undefined): void => {
      stopTimeLimit(limit);
      head.unwatch();
      resolve({ answer, error, wasReused: request.reusedSocket, hasLeft });
    };
    // Handed to the kernel to the last byte: a receiver cannot make anything of less.
    request.on('finish', () => {
      hasLeft = true;
    });
    request.on('socket', (socket) => head.watch(socket));
    request.on('error', (error) => {
      const answer = head.answer;
      settle(answer, answer === undefined ? error : undefined);
    });
    request.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const { statusCode: status = 0, headers: answerHeaders } = response;
      const answered = (): void => {
        settle({ status, retryAfter: answerHeaders['retry-after'], body: Buffer.concat(chunks) }, undefined);
      };
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= LONGEST_ANSWER_BYTES) chunks.push(chunk);
      });
      // The rest of the answer does not come: its status says what became of the request.
      response.on('error', answered);
      response.on('end', answered);
    });
    request.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The first bytes of an answer: what Node's parser makes nothing of when the connection dies before the head is complete. */
class AnswerHead {
  #text = '';
  #socket: Socket | undefined;
  readonly #read = (bytes: Buffer): void => {
    this.#text += bytes.toString('latin1', 0, STATUS_LINE_CHARS);
    if (this.#text.length >= STATUS_LINE_CHARS) this.unwatch();
  };

  watch(socket: Socket): void {
    this.#socket = socket;
    // Before the parser, which may fail at the very bytes that have the status line.
    socket.prependListener('data', this.#read);
  }

  unwatch(): void {
    this.#socket?.off('data', this.#read);
  }

  get answer(): HttpAnswer | undefined {
    return readStatusLine(this.#text);
  }
}
