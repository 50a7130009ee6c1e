// Which proxy a connection goes through, by the usual variables. HTTP/1.1 needs only the check of the variables: Node's own agents
// read them. For HTTP/2 the choice is made here, by the rules of those agents but for ranges of IP addresses.

/** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case; the lower one wins. */
export type ProxyEnvironment = Readonly<Record<string, string>>;

const NAMES = ['http_proxy', 'https_proxy', 'no_proxy'];

/** The proxy variables of an environment; undefined when no proxy is named. An address that is none is told and left out. */
export function readProxyEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  report: (message: string) => void,
): ProxyEnvironment | undefined {
  const found: Record<string, string> = {};
  for (const name of NAMES) {
    const variable = env[name] ? name : name.toUpperCase();
    const value = env[variable]?.trim();
    if (!value) continue;
    // Node would throw, with the address and the password that may be in it.
    if (name === 'no_proxy' || /^https?:$/.test(URL.parse(value)?.protocol ?? '')) found[name] = value;
    else report(`${variable} is not an http or https URL (not shown): no proxy is used`);
  }
  return found.http_proxy || found.https_proxy ? found : undefined;
}

/** The proxy on the way to `target`; undefined: a direct connection. */
export function proxyFor(target: URL, env: ProxyEnvironment): URL | undefined {
  const proxy = env[target.protocol === 'https:' ? 'https_proxy' : 'http_proxy'];
  return proxy && !isExcepted(target, env.no_proxy ?? '') ? new URL(proxy) : undefined;
}

function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const hostAndPort = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  return list
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .some(
      (entry) =>
        entry === '*' ||
        entry === hostname ||
        entry === hostAndPort ||
        (entry.startsWith('.') && (hostname === entry.slice(1) || hostname.endsWith(entry))) ||
        (entry.startsWith('*.') && hostname.endsWith(entry.slice(1))),
    );
}
