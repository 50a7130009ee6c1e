// Requests of `node:http` and `node:https`, followed on Node's diagnostics channels and by a few listeners that change nothing:
// none of them is for `error` or `response`, whose presence means something to Node.

import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { CallScope } from '../call-scope.ts';
import type { Carrier } from '../propagation.ts';
import { clientRequestCarrier } from '../request-headers.ts';
import type { BeginCall } from './begin-call.ts';
import { watchConnection } from './connection-timings.ts';
import { readBodyOf } from './given-body.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import type { RequestFacts } from './request-facts.ts';

type Followed = { readonly call: OutgoingCall; readonly carrier: Carrier; isTimedOut: boolean };

/** Returns what takes a request when it was made. */
export function followHttpRequests(begin: BeginCall): (request: ClientRequest, scope: CallScope) => void {
  const requests = new WeakMap<ClientRequest, Followed>();
  subscribe('http.client.response.finish', (message) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const followed = requests.get(request);
    if (followed === undefined) return;
    tellResponse(followed, request, response);
    response.once('end', () => followed.call.ended('complete'));
  });
  subscribe('http.client.request.error', (message) => {
    const { request, error } = message as { request: ClientRequest; error: Error };
    const followed = requests.get(request);
    if (followed === undefined) return;
    followed.call.connected(request.socket);
    if (!isGivenUp(request, error)) followed.call.failed(error);
    else giveUp(request, followed);
  });
  return (request, scope) => {
    const facts = factsOf(request);
    const call = begin(facts, scope);
    if (call === undefined) return;
    const followed = { call, carrier: facts.carrier, isTimedOut: false };
    requests.set(request, followed);
    request.once('timeout', () => {
      followed.isTimedOut = true;
    });
    request.once('socket', (socket) => {
      if (socket.connecting) watchConnection(socket);
    });
    request.once('close', () => {
      // What a weak map holds outlives the next collection of the young, whatever its key does.
      requests.delete(request);
      const response = (request as unknown as { res?: IncomingMessage & { upgrade?: boolean | null } }).res;
      // Of one that makes the connection another protocol's Node tells nobody but who listens for it.
      if (response?.upgrade) tellResponse(followed, request, response);
      if (response?.complete) call.ended('complete');
      else if (response !== undefined && hasPeerClosed(request.socket)) call.ended('broken');
      else giveUp(request, followed);
    });
  };
}

function tellResponse({ call, carrier }: Followed, request: ClientRequest, response: IncomingMessage): void {
  call.connected(request.socket);
  call.sent(carrier.get('content-length'));
  call.responded({
    status: response.statusCode!,
    protocolVersion: response.httpVersion,
    header: (name) => headerOf(response.rawHeaders, name),
  });
}

/** Without a reason of its own: the caller did not want to wait any longer. */
function giveUp(request: ClientRequest, { call, isTimedOut }: Followed): void {
  if (isTimedOut) call.failed(timeoutError(request));
  else call.ended('aborted');
}

function factsOf(request: ClientRequest): RequestFacts {
  const { method, host, path } = request;
  const carrier = clientRequestCarrier(request);
  return {
    method,
    scheme: request.protocol === 'https:' ? 'https' : 'http',
    host: host.replace(/^\[|\]$/g, ''),
    port: portOf(host, carrier),
    path,
    carrier,
    readBody: (take) => readBodyOf(request, take),
  };
}

/** Node keeps the port in the `Host` header only, which is the user's to set. */
function portOf(host: string, carrier: Carrier): number | undefined {
  const header = carrier.get('host');
  const colon = header?.lastIndexOf(':') ?? -1;
  if (header === undefined || colon === -1) return undefined;
  const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return header.slice(0, colon) === bare ? Number(header.slice(colon + 1)) : undefined;
}

/** The first of that name. Node makes its own `headers` of all of them when somebody asks, which the function may never do. */
function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const key = rawHeaders[at]!;
    if (key.length === name.length && key.toLowerCase() === name) return rawHeaders[at + 1];
  }
  return undefined;
}

/** An abort of the caller's: by signal, or by destroying the request without giving a reason. */
function isGivenUp(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
  if (error.name === 'AbortError') return true;
  return error.message === 'socket hang up' && !hasPeerClosed(request.socket);
}

/** The peer ended the connection, or it failed. */
function hasPeerClosed(socket: Socket | null): boolean {
  return socket !== null && (socket.readableEnded || socket.errored != null);
}

function timeoutError(request: ClientRequest): Error {
  const error = new Error(`no answer of ${request.host} within the time that its caller allowed`);
  return Object.assign(error, { name: 'TimeoutError', code: 'ETIMEDOUT' });
}
