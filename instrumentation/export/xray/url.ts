// URLs as X-Ray documents may carry them: no user, no password, no query.

/** `scheme://host[:port]/path` of a complete URL, or the path of a relative one; userinfo, query and fragment are dropped. */
export function withoutSecrets(url: string): string {
  const query = url.search(/[?#]/);
  const plain = query === -1 ? url : url.slice(0, query);
  const start = authorityStart(plain);
  if (start === 0) return plain;
  const end = authorityEnd(plain, start);
  const at = plain.lastIndexOf('@', end - 1);
  return at < start ? plain : plain.slice(0, start) + plain.slice(at + 1);
}

/** The host without port; undefined when the URL names none. IPv6 addresses lose their brackets. */
export function hostOf(url: string): string | undefined {
  const plain = withoutSecrets(url);
  const start = authorityStart(plain);
  return start === 0 ? undefined : withoutPort(plain.slice(start, authorityEnd(plain, start))) || undefined;
}

/** `host` of `host[:port]`, `[v6]:port` included. */
export function withoutPort(authority: string): string {
  if (authority.startsWith('[')) return authority.slice(1).split(']', 1)[0]!;
  const colon = authority.indexOf(':');
  // More than one colon and no brackets: a bare IPv6 address.
  return colon === -1 || authority.includes(':', colon + 1) ? authority : authority.slice(0, colon);
}

/** `host:port` with the brackets an IPv6 address needs; no port when it is undefined. */
export function authorityOf(host: string, port: string | undefined): string {
  const name = host.includes(':') && !host.startsWith('[') && withoutPort(host) === host ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

function authorityStart(url: string): number {
  const colon = url.indexOf('://');
  return colon === -1 ? 0 : colon + 3;
}

function authorityEnd(url: string, start: number): number {
  const slash = url.indexOf('/', start);
  return slash === -1 ? url.length : slash;
}
