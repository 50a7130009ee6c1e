// Where HTTP/2 sessions go, by what they were opened with: Node tells it of a connected session with TLS only, and requests are made
// before the connection is up.

import type { ClientHttp2Session } from 'node:http2';

type Authority = {
  readonly protocol?: string;
  readonly hostname?: string;
  readonly host?: string;
  readonly port?: unknown;
};
type Options = { readonly protocol?: string; readonly servername?: string };

const origins = new WeakMap<ClientHttp2Session, URL>();

/** As Node makes `:scheme` and `:authority` of what `connect` was given. Source: Node.js documentation, `http2.connect`. */
export function rememberOrigin(session: ClientHttp2Session, given: unknown, givenOptions: unknown): void {
  const authority: Authority = (typeof given === 'string' ? URL.parse(given) : (given as Authority | null)) ?? {};
  const options: Options = typeof givenOptions === 'object' && givenOptions !== null ? givenOptions : {};
  const protocol = authority.protocol || options.protocol || 'https:';
  const host = (options.servername || authority.hostname || authority.host || 'localhost').replace(/^\[|\]$/g, '');
  const port = authority.port ? `:${authority.port}` : '';
  const origin = URL.parse(`${protocol}//${host.includes(':') ? `[${host}]` : host}${port}`);
  if (origin !== null) origins.set(session, origin);
}

/** undefined: the session was opened before anybody looked. */
export const originOf = (session: ClientHttp2Session): URL | undefined => origins.get(session);
