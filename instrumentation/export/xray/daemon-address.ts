// `AWS_XRAY_DAEMON_ADDRESS` as a place to send datagrams to. Source: X-Ray Developer Guide, "AWS X-Ray daemon".

import { isIP } from 'node:net';

export type DaemonAddress = {
  readonly host: string;
  readonly port: number;
  /** 4 or 6 for an IP literal, 0 for a name that has to be resolved. */
  readonly family: 0 | 4 | 6;
};

const FORMS = 'write host:port or "udp:host:port tcp:host:port", an IPv6 address in brackets';

/** Reads `host:port` or `udp:host:port tcp:host:port` in either order; what cannot be read gives the reason. */
export function parseDaemonAddress(text: string): DaemonAddress | { readonly error: string } {
  const parts = text.trim().split(/\s+/);
  const address = parts.length === 1 ? hostAndPort(parts[0]!) : udpOf(parts);
  return address ?? { error: `AWS_XRAY_DAEMON_ADDRESS ${JSON.stringify(text.slice(0, 200))} cannot be read: ${FORMS}` };
}

function udpOf(parts: readonly string[]): DaemonAddress | undefined {
  if (parts.length !== 2) return undefined;
  const udp = parts.find((part) => part.startsWith('udp:'));
  const tcp = parts.find((part) => part.startsWith('tcp:'));
  if (udp === undefined || tcp === undefined || hostAndPort(tcp.slice('tcp:'.length)) === undefined) return undefined;
  return hostAndPort(udp.slice('udp:'.length));
}

function hostAndPort(text: string): DaemonAddress | undefined {
  const colon = text.lastIndexOf(':');
  const portText = text.slice(colon + 1);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (colon < 1 || port < 1 || port > 65_535) return undefined;
  const host = text.slice(0, colon);
  const bracketed = /^\[(.+)\]$/.exec(host)?.[1];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port, family: 6 } : undefined;
  // A colon left over is half of the two-part form, or an IPv6 address of unknown end.
  if (/[:[\]]/.test(host)) return undefined;
  return { host, port, family: isIP(host) === 4 ? 4 : 0 };
}
