// Requests of undici: global `fetch`, and every copy of the package from version 5 on, bundled or not. All it takes are the
// diagnostics channels that undici publishes on.

import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { CallScope } from '../call-scope.ts';
import { type UndiciRequest, undiciCarrier } from '../request-headers.ts';
import type { BeginCall } from './begin-call.ts';
import { watchConnection } from './connection-timings.ts';
import { MAX_BODY_BYTES } from './given-body.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import type { RequestFacts } from './request-facts.ts';

type Response = { readonly statusCode: number; readonly headers: readonly (Uint8Array | string)[] };

/** Returns what takes a request when it was made. */
export function followUndiciRequests(begin: BeginCall): (request: UndiciRequest, scope: CallScope) => void {
  const calls = new WeakMap<UndiciRequest, OutgoingCall>();
  const on = <Message extends { readonly request: UndiciRequest }>(
    name: string,
    work: (call: OutgoingCall, message: Message) => void,
  ): void =>
    subscribe(name, (message) => {
      const call = calls.get((message as Message).request);
      if (call !== undefined) work(call, message as Message);
    });
  // undici hands sockets out when they are connected; it makes them after the request.
  subscribe('net.client.socket', (message) => watchConnection((message as { socket: Socket }).socket));
  on<{ request: UndiciRequest; socket?: Socket }>('undici:client:sendHeaders', (call, { socket }) => {
    call.connected(socket);
    call.speaks((socket as { alpnProtocol?: unknown } | undefined)?.alpnProtocol === 'h2' ? '2' : '1.1');
  });
  on<{ request: UndiciRequest; response: Response }>('undici:request:headers', (call, { response }) => {
    call.responded({
      status: response.statusCode,
      protocolVersion: undefined,
      header: (name) => headerOf(response.headers, name),
    });
  });
  // What a weak map holds outlives the next collection of the young, whatever its key does.
  on('undici:request:trailers', (call, { request }) => {
    calls.delete(request);
    call.ended('complete');
  });
  on<{ request: UndiciRequest; error: Error }>('undici:request:error', (call, { request, error }) => {
    calls.delete(request);
    if (error.name === 'AbortError') call.ended('aborted');
    else call.failed(error);
  });
  return (request, scope) => {
    const facts = factsOf(request);
    // Nothing tells when a connection that becomes a WebSocket is through with HTTP.
    const call = facts && begin(facts, scope, { isSpanless: Boolean(request.upgrade) });
    if (call === undefined) return;
    call.sent(lengthOf(request));
    calls.set(request, call);
  };
}

function factsOf(request: UndiciRequest): RequestFacts | undefined {
  const url = URL.parse(String(request.origin));
  if (url === null) return undefined;
  return {
    method: request.method.toUpperCase(),
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
    path: request.path,
    carrier: undiciCarrier(request),
    readBody(take) {
      const { body } = request;
      const isShort = (typeof body === 'string' || body instanceof Uint8Array) && body.length <= MAX_BODY_BYTES;
      if (isShort) take(body);
    },
  };
}

/** Stated by the caller, or that of a body that is given at once. */
function lengthOf(request: UndiciRequest): string | undefined {
  const { body } = request;
  return undiciCarrier(request).get('content-length') ?? (body instanceof Uint8Array ? String(body.length) : undefined);
}

function headerOf(headers: Response['headers'], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const key = headers[at]!;
    if (key.length === name.length && latin1(key).toLowerCase() === name) return latin1(headers[at + 1]!);
  }
  return undefined;
}

function latin1(value: Uint8Array | string): string {
  if (typeof value === 'string') return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
}
