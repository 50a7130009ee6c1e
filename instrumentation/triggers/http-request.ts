// The HTTP server attributes that all HTTP sources share. Source: OpenTelemetry semantic conventions, "HTTP Spans", server section.

import type { Attributes } from '@opentelemetry/api';
import { bodyBytes, integer, type Loose, text, translate } from './event-fields.ts';
import { defined, put, putAll } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
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
  const comma = value?.indexOf(',');
  return text((comma === undefined || comma === -1 ? value : value?.slice(0, comma))?.trim());
}

/** `host:port` or `[v6]:port` as its parts; an IPv6 address without brackets has no port. */
function splitHost(value = ''): { readonly address: string | undefined; readonly port?: string | undefined } {
  const match = value.includes(':') ? /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(value) : null;
  return match === null ? { address: value } : { address: match[1] ?? match[2], port: match[3] };
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
    'client.address': splitHost(firstOf(headers.get('x-forwarded-for'))).address || sourceIp,
    'network.peer.address': sourceIp,
    'user_agent.original': text(headers.get('user-agent') ?? client?.userAgent),
  };
}

export function describeHttp(event: Loose, reading: Reading, request: HttpRequest): Description {
  const { options } = reading;
  const body = event?.body;
  const { headers = new HeaderView(event?.headers, event?.multiValueHeaders, reading.mayEnumerate(body)) } = request;
  const method = text(request.method);
  const isKnown = method !== undefined && options.knownMethods.includes(method);
  const route = text(request.route);
  const hasRoute = route?.startsWith('/');
  const query = text(request.query);
  const host = splitHost(firstOf(headers.get('x-forwarded-host')) ?? text(request.host) ?? headers.get('host'));
  const port = integer(firstOf(headers.get('x-forwarded-port')) ?? host.port);

  const attributes: Attributes = {};
  put(attributes, 'http.request.method', method && (isKnown ? method : '_OTHER'));
  put(attributes, 'http.request.method_original', isKnown ? undefined : method);
  put(attributes, 'http.route', hasRoute ? route : undefined);
  put(attributes, 'url.path', text(request.path));
  put(attributes, 'url.query', query && redactQuery(query, options.redactedQueryKeys));
  const scheme = firstOf(headers.get('x-forwarded-proto'))?.toLowerCase();
  put(attributes, 'url.scheme', scheme ?? request.scheme ?? 'https');
  put(attributes, 'server.address', host.address || undefined);
  put(attributes, 'server.port', host.address && port && port < 65_536 ? port : undefined);
  put(attributes, 'network.protocol.version', translate(protocolVersions, request.protocol));
  if (options.capturesBodySizes) {
    const isBase64 = event?.isBase64Encoded ?? event?.is_base64_encoded;
    put(attributes, 'http.request.body.size', integer(headers.get('content-length')) ?? bodyBytes(body, isBase64));
  }
  putAll(attributes, clientAttributes(headers, request.client));
  if (options.requestHeaders.length > 0) putAll(attributes, headers.captured('request', options.requestHeaders));
  putAll(attributes, request.own);
  const verb = isKnown ? method : 'HTTP';
  return {
    spanName: method && (hasRoute ? `${verb} ${route}` : verb),
    attributes: options.semconvOptIn.includes('http/dup') ? withOldNames(attributes) : attributes,
    carrier: headers,
    sentEpochMs: request.sentEpochMs,
    resultRule: httpResultRule(request.statusRule, request.statusField),
  };
}
