// The one place where a stream's headers can still be added to: the method of a session that sends them.

import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { isSuppressed } from '../../active-context.ts';
import type { CallEnvironment } from '../call-scope.ts';
import { handOn } from '../propagation.ts';
import { rememberOrigin } from './http2-origins.ts';
import { copyOf, type Http2Headers, type Http2Streams } from './http2-streams.ts';

type Request = (this: ClientHttp2Session, headers?: Http2Headers, ...rest: unknown[]) => ClientHttp2Stream;

/** Returns what takes each session; all of one kind share their method, so it is replaced once. */
export function hookHttp2Session(
  environment: CallEnvironment,
  streams: Http2Streams,
): (session: ClientHttp2Session, authority: unknown, options: unknown) => void {
  const patched = new WeakSet<object>();
  return (session, authority, options) => {
    rememberOrigin(session, authority, options);
    const prototype = Object.getPrototypeOf(session) as { request: Request };
    if (patched.has(prototype)) return;
    patched.add(prototype);
    const { request } = prototype;
    prototype.request = function (headers, ...rest) {
      let isSent = false;
      const send = (changed: Http2Headers): ClientHttp2Stream => {
        isSent = true;
        return Reflect.apply(request, this, [changed, ...rest]);
      };
      // For Node to refuse.
      if (headers !== undefined && (typeof headers !== 'object' || headers === null)) return send(headers);
      try {
        const scope = environment.here();
        const context = environment.activeContext();
        if (scope !== undefined && !isSuppressed(context)) {
          if (scope.isRecorded) return streams.request(this, headers, scope, send);
          const { headers: copy, carrier } = copyOf(headers);
          handOn(carrier, context, environment.spanContextOf(context), scope);
          return send(copy);
        }
      } catch (error) {
        // What the original throws is the caller's; what we throw before it is ours.
        if (isSent) throw error;
        environment.report(`an HTTP/2 stream is not traced: ${error}`);
      }
      return send(headers);
    };
  };
}
