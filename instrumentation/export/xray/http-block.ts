// The `http` block, from the old and the stable semantic conventions alike; where both are present the stable one wins.

import { isIP } from 'node:net';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { isAwsCall } from './names.ts';
import { peekText, type SpanAttributes, takeInteger, takeText } from './span-attributes.ts';
import { SERVER } from './span-kinds.ts';
import type { HttpBlock } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';
import { authorityOf, withoutPort, withoutSecrets } from './url.ts';

/** First wins; all are used up. */
const KEYS = {
  method: ['http.request.method', 'http.method'],
  url: ['url.full', 'http.url'],
  scheme: ['url.scheme', 'http.scheme'],
  target: ['http.target'],
  path: ['url.path'],
  query: ['url.query'],
  userAgent: ['user_agent.original', 'http.user_agent'],
  status: ['http.response.status_code', 'http.status_code'],
  contentLength: ['http.response.body.size', 'http.response_content_length'],
  clientHost: ['server.address', 'http.host', 'net.peer.name', 'net.peer.ip'],
  clientPort: ['server.port', 'net.peer.port'],
  serverHost: ['server.address', 'http.host', 'http.server_name', 'net.host.name', 'host.name'],
  serverPort: ['server.port', 'net.host.port'],
} as const satisfies Record<string, readonly string[]>;

/** What alone makes a span an HTTP one. Addresses and ports do not: databases have them too. */
export const HTTP_KEYS: readonly string[] = [
  ...KEYS.method,
  ...KEYS.url,
  ...KEYS.scheme,
  ...KEYS.target,
  ...KEYS.path,
  ...KEYS.userAgent,
  ...KEYS.status,
  ...KEYS.contentLength,
  'http.host',
  'http.server_name',
  'http.client_ip',
];

const CLIENT_ADDRESSES = ['client.address', 'http.client_ip', 'network.peer.address', 'net.peer.ip'] as const;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** The block of a span that has one of `HTTP_KEYS`; undefined when nothing in them can be shown. */
export function httpBlockOf(
  kind: number,
  attributes: SpanAttributes,
  events: ReadableSpan['events'],
): HttpBlock | undefined {
  const request: NonNullable<HttpBlock['request']> = {};
  const method = takeText(attributes, KEYS.method);
  if (method !== undefined) request.method = cutText(method, GENERIC_TEXT_CHARS);
  const url = urlOf(kind, attributes);
  if (url !== undefined) request.url = cutText(url, GENERIC_TEXT_CHARS);
  const userAgent = takeText(attributes, KEYS.userAgent);
  if (userAgent !== undefined) request.user_agent = cutText(userAgent, GENERIC_TEXT_CHARS);
  const clientIp = kind === SERVER ? takeClientIp(attributes) : undefined;
  if (clientIp !== undefined) request.client_ip = clientIp;

  const response: NonNullable<HttpBlock['response']> = {};
  const status = takeInteger(attributes, KEYS.status);
  if (status !== undefined) response.status = status;
  const contentLength = takeInteger(attributes, KEYS.contentLength) ?? receivedBytes(events);
  if (contentLength !== undefined) response.content_length = contentLength;

  const block: HttpBlock = {};
  if (!isEmpty(request)) block.request = request;
  if (!isEmpty(response)) block.response = response;
  return block.request === undefined && block.response === undefined ? undefined : block;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** The complete URL where there is one, otherwise built; without userinfo and query, which may hold secrets. */
function urlOf(kind: number, attributes: SpanAttributes): string | undefined {
  // An SQS call has its queue there, which belongs in the `aws` block.
  const complete = isSqsCall(attributes) ? undefined : takeText(attributes, KEYS.url);
  const path = takeText(attributes, KEYS.path);
  const location = path ?? takeText(attributes, KEYS.target);
  if (path !== undefined) takeText(attributes, KEYS.target);
  takeText(attributes, KEYS.query);
  // A host alone is not a request: an AWS call that has only a status tells its host too.
  if (complete === undefined && location === undefined && !hasRequest(attributes)) return undefined;
  const scheme = takeText(attributes, KEYS.scheme) ?? 'http';
  const host = takeText(attributes, kind === SERVER ? KEYS.serverHost : KEYS.clientHost);
  const port = takeText(attributes, kind === SERVER ? KEYS.serverPort : KEYS.clientPort);
  if (complete !== undefined) return withoutSecrets(complete);
  if (host === undefined) return location === undefined ? undefined : withoutSecrets(location);
  const isPortKnown = withoutPort(host) !== host || port === DEFAULT_PORTS[scheme];
  const absolutePath = location === undefined ? '/' : location.startsWith('/') ? location : `/${location}`;
  return withoutSecrets(`${scheme}://${authorityOf(host, isPortKnown ? undefined : port)}${absolutePath}`);
}

const hasRequest = ({ values }: SpanAttributes): boolean =>
  KEYS.method.some((key) => values[key] !== undefined) || KEYS.scheme.some((key) => values[key] !== undefined);

export const isSqsCall = (attributes: SpanAttributes): boolean =>
  isAwsCall(attributes) &&
  (attributes.values['rpc.service'] === 'SQS' ||
    attributes.values['messaging.system'] === 'aws_sqs' ||
    attributes.values['messaging.system'] === 'aws.sqs' ||
    (peekText(attributes, 'rpc.method') ?? '').startsWith('SQS/'));

/** Only an address that parses as IP; a host name stays in the metadata. */
function takeClientIp(attributes: SpanAttributes): string | undefined {
  for (let index = 0; index < CLIENT_ADDRESSES.length; index += 1) {
    const key = CLIENT_ADDRESSES[index]!;
    const text = peekText(attributes, key);
    if (text === undefined || isIP(text) === 0) continue;
    attributes.use(key);
    return text;
  }
  return undefined;
}

/** The size of the answer as gRPC's old message events tell it. */
function receivedBytes(events: ReadableSpan['events']): number | undefined {
  for (const { attributes } of events) {
    if (attributes?.['message.type'] !== 'RECEIVED') continue;
    const bytes = attributes['messaging.message_payload_size_bytes'];
    if (typeof bytes === 'number' && Number.isFinite(bytes)) return Math.trunc(bytes);
  }
  return undefined;
}
