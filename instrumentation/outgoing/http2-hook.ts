// Puts itself between `node:http2` clients and their streams: Node announces a stream when its headers are gone already. The module
// is not loaded for it; `connect` is replaced when user code asks for the module, and the session's `request` with the first one.

import type * as http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { isSuppressed } from '../active-context.ts';
import type { CallEnvironment, CallScope } from './call-scope.ts';
import { handOn } from './propagation.ts';

type Request = http2.ClientHttp2Session['request'];
/** As a map, or as names and values in turn. */
export type Http2Headers = http2.OutgoingHttpHeaders | readonly string[] | undefined;

/** Sees the streams of a recorded invocation. */
export type Http2Tracer = {
  /** Calls `send` with the headers to send, and returns what it returns. */
  http2Request(
    session: http2.ClientHttp2Session,
    headers: Http2Headers,
    scope: CallScope,
    send: (headers: Http2Headers) => http2.ClientHttp2Stream,
  ): http2.ClientHttp2Stream;
};

/** Patches the exports of `node:http2`, once. */
export function hookHttp2(exports: typeof http2, environment: CallEnvironment, load: () => Http2Tracer): void {
  const { connect } = exports;
  let isPatched = false;
  const replacement = {
    // Named, and with the arity of the original.
    connect(this: unknown, _authority: unknown, _options: unknown, _listener: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: passed on as they came, whatever their number
      const session = Reflect.apply(connect, this, arguments as unknown as Parameters<typeof connect>);
      if (!isPatched) {
        isPatched = true;
        patchRequest(Object.getPrototypeOf(session), environment, load);
      }
      return session;
    },
  };
  Object.assign(exports, replacement);
  syncBuiltinESMExports();
}

function patchRequest(prototype: { request: Request }, environment: CallEnvironment, load: () => Http2Tracer): void {
  const { request } = prototype;
  prototype.request = function (this: http2.ClientHttp2Session, headers?: Http2Headers, ...rest: unknown[]) {
    let isSent = false;
    const send = (changed: Http2Headers): http2.ClientHttp2Stream => {
      isSent = true;
      return Reflect.apply(request as (...args: unknown[]) => http2.ClientHttp2Stream, this, [changed, ...rest]);
    };
    try {
      const scope = environment.here();
      const context = environment.activeContext();
      if (scope !== undefined && !isSuppressed(context)) {
        if (scope.isRecorded) return load().http2Request(this, headers, scope, send);
        const copy = { ...(headers as http2.OutgoingHttpHeaders) };
        if (!Array.isArray(headers)) {
          handOn(mapCarrier(copy), context, environment.spanContextOf(context), scope);
          return send(copy);
        }
      }
    } catch (error) {
      // What the original throws is the caller's; what we throw before it is ours.
      if (isSent) throw error;
      environment.report(`an HTTP/2 stream is not traced: ${error}`);
    }
    return send(headers);
  } as Request;
}

function mapCarrier(headers: http2.OutgoingHttpHeaders) {
  return {
    get(name: string): string | undefined {
      const value = headers[name];
      return value === undefined ? undefined : String(value);
    },
    set(name: string, value: string): void {
      headers[name.toLowerCase()] = value;
    },
  };
}
