// The HTTP server attributes that all HTTP sources share. Source: OpenTelemetry semantic conventions, "HTTP Spans", server section.

import type { Attributes } from '@opentelemetry/api';
import { bodyBytes, integer, type Loose, text, translate } from './event-fields.ts';
import { defined } from './field-specs.ts';
import { type HeaderView, headerView } from './header-view.ts';
import { httpResultRule, type StatusRule } from './http-result.ts';
import type { Description, Reading } from './row.ts';
import { redactQuery } from './url-query.ts';

export type HttpRequest = {
  readonly method: unknown;
  readonly path: unknown;
  /** Raw, without `?`, not yet redacted. */
  readonly query?: unknown;
  /** Template of the route, `/orders/{id}`; whatever does not start with `/` is no route. */
  readonly route?: unknown;
  /** Those of the event unless told. */
  readonly headers?: HeaderView;
  /** Used when the headers do not tell the scheme; `https` unless told. */
  readonly scheme?: string;
  /** `HTTP/1.1` */
  readonly protocol?: unknown;
  /** An object with `sourceIp` and `userAgent`. */
  readonly client?: Loose;
  readonly host?: unknown;
  readonly sentEpochMs?: number | undefined;
  readonly statusRule?: StatusRule;
  /** Field of the result that names the status; `statusCode` unless told. */
  readonly statusField?: string;
  /** Attributes of the source itself. */
  readonly own: Attributes;
};

/** Old names that `http/dup` adds, each with the new one. */
const oldNames: { readonly [oldName: string]: string } = {
  'http.scheme': 'url.scheme',
  'http.user_agent': 'user_agent.original',
  'http.client_ip': 'client.address',
  'http.host': 'server.address',
  'net.host.name': 'server.address',
  'net.host.port': 'server.port',
  'http.flavor': 'network.protocol.version',
  'net.peer.ip': 'network.peer.address',
};

/** The first of a comma-separated list. */
function firstOf(value: string | undefined): string | undefined {
  return text(value?.split(',', 1)[0]?.trim());
}

/** `host:port` or `[v6]:port` as its parts; an IPv6 address without brackets has no port. */
function splitHost(value = ''): readonly (string | undefined)[] {
  if (!value.includes(':')) return [value];
  const match = /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(value);
  return match ? [match[1] ?? match[2], match[3]] : [value];
}

/** `requestContext.protocol` as the convention wants it. */
const protocolVersions = {
  'HTTP/1.0': '1.0',
  'HTTP/1.1': '1.1',
  'HTTP/2.0': '2',
  'HTTP/2': '2',
  'HTTP/3.0': '3',
  'HTTP/3': '3',
};

function withOldNames(attributes: Attributes): Attributes {
  const { 'url.path': path, 'url.query': query } = attributes;
  const old: Attributes = {
    'http.method': attributes['http.request.method_original'] ?? attributes['http.request.method'],
    'http.target': query ? `${path}?${query}` : path,
  };
  for (const oldName in oldNames) old[oldName] = attributes[oldNames[oldName] as string];
  return defined({ ...attributes, ...old });
}

/** Where a request came from, as the proxies in front say it and as the gateway saw it. */
export function clientAttributes(headers: HeaderView, client?: Loose): Attributes {
  const sourceIp = text(client?.sourceIp);
  return {
    'client.address': splitHost(firstOf(headers.get('x-forwarded-for')))[0] || sourceIp,
    'network.peer.address': sourceIp,
    'user_agent.original': text(headers.get('user-agent') ?? client?.userAgent),
  };
}

export function describeHttp(event: Loose, { options, mayEnumerate }: Reading, request: HttpRequest): Description {
  const body = event?.body;
  const { headers = headerView(event?.headers, event?.multiValueHeaders, mayEnumerate(body)) } = request;
  const method = text(request.method);
  const isKnown = method !== undefined && options.knownMethods.includes(method);
  const route = text(request.route);
  const hasRoute = route?.startsWith('/');
  const query = text(request.query);
  const [address, hostPort] = splitHost(
    firstOf(headers.get('x-forwarded-host')) ?? text(request.host) ?? headers.get('host'),
  );
  const port = integer(firstOf(headers.get('x-forwarded-port')) ?? hostPort);

  const attributes = defined({
    'http.request.method': method && (isKnown ? method : '_OTHER'),
    'http.request.method_original': isKnown ? undefined : method,
    'http.route': hasRoute ? route : undefined,
    'url.path': text(request.path),
    'url.query': query && redactQuery(query, options.redactedQueryKeys),
    'url.scheme': firstOf(headers.get('x-forwarded-proto'))?.toLowerCase() ?? request.scheme ?? 'https',
    'server.address': address || undefined,
    'server.port': address && port && port < 65_536 ? port : undefined,
    'network.protocol.version': translate(protocolVersions, request.protocol),
    'http.request.body.size': options.capturesBodySizes
      ? (integer(headers.get('content-length')) ?? bodyBytes(body, event?.isBase64Encoded ?? event?.is_base64_encoded))
      : undefined,
    ...clientAttributes(headers, request.client),
    ...headers.captured('request', options.requestHeaders),
    ...request.own,
  });
  const verb = isKnown ? method : 'HTTP';
  return {
    spanName: method && (hasRoute ? `${verb} ${route}` : verb),
    attributes: options.semconvOptIn.includes('http/dup') ? withOldNames(attributes) : attributes,
    carrier: headers,
    sentEpochMs: request.sentEpochMs,
    resultRule: httpResultRule(request.statusRule, request.statusField),
  };
}
