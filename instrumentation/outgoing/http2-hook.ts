// Puts itself between user code and the sessions of `node:http2`: Node announces a stream when its headers are gone already. The
// module is not loaded for it; `connect` is replaced when user code asks for the module, and what follows comes with the first session.

import type * as http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';

export type Http2Tracer = {
  /** Takes every session that user code opens, with the authority and the options that it was opened with. */
  http2Session(session: http2.ClientHttp2Session, authority: unknown, options: unknown): void;
};

type Promisified = (authority: unknown, options: unknown) => Promise<http2.ClientHttp2Session>;

/** Patches the exports of `node:http2`, once. */
export function hookHttp2(exports: typeof http2, load: () => Http2Tracer): void {
  const { connect } = exports;
  const take: Http2Tracer['http2Session'] = (...opened) => {
    try {
      load().http2Session(...opened);
    } catch {}
  };
  const replacement = {
    // Named, and with the arity of the original.
    connect(this: unknown, authority: unknown, options: unknown, _listener: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: passed on as they came, whatever their number
      const session = Reflect.apply(connect, this, arguments as unknown as Parameters<typeof connect>);
      take(session, authority, options);
      return session;
    },
  };
  // What `promisify` gives for it is Node's own: the listener gets no error first.
  const promisified = (connect as unknown as Record<symbol, Promisified>)[promisify.custom];
  Object.defineProperty(replacement.connect, promisify.custom, {
    configurable: true,
    value(authority: unknown, options: unknown) {
      const opening = promisified!(authority, options);
      // Before whoever waits for the session.
      opening.then(
        (session) => take(session, authority, options),
        () => {},
      );
      return opening;
    },
  });
  Object.assign(exports, replacement);
  syncBuiltinESMExports();
}
