// Puts itself between user code and the sessions of `node:http2`: Node announces a stream when its headers are gone already. The
// module is not loaded for it; `connect` is replaced when user code asks for the module, and what follows comes with the first session.

import type * as http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';

export type Http2Tracer = {
  /** Takes every session that user code opens. */
  http2Session(session: http2.ClientHttp2Session): void;
};

/** Patches the exports of `node:http2`, once. */
export function hookHttp2(exports: typeof http2, load: () => Http2Tracer): void {
  const { connect } = exports;
  const replacement = {
    // Named, and with the arity of the original.
    connect(this: unknown, _authority: unknown, _options: unknown, _listener: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: passed on as they came, whatever their number
      const session = Reflect.apply(connect, this, arguments as unknown as Parameters<typeof connect>);
      try {
        load().http2Session(session);
      } catch {}
      return session;
    },
  };
  Object.assign(exports, replacement);
  syncBuiltinESMExports();
}
