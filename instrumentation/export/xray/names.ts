// What a subsegment is called and whether it is local work, an AWS call or another remote call. The service refuses a document
// with one wrong character in any name of the tree, so every name passes the same sieve.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { peekText, type SpanAttributes } from './span-attributes.ts';
import { CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER } from './span-kinds.ts';
import { hostOf, withoutPort } from './url.ts';

const NAME_MAX_CODE_POINTS = 200;
/** Bounds the work on a name of a megabyte; what is allowed in it has long been found. */
const NAME_SCAN_CHARS = 4096;

const PLAIN_NAME = /^[\w .:/%&#=+\-@]{1,200}$/;
const NOT_IN_NAMES = /[^\p{L}\p{Z}\p{N}_.:/%&#=+\-@]/gu;

/**
 * The name with the characters X-Ray refuses left out and cut to 200 code points; empty when nothing visible is left. What user code
 * gave instead of a text becomes one.
 */
export function sanitizeName(given: unknown): string {
  const name = typeof given === 'string' ? given : String(given ?? '');
  if (PLAIN_NAME.test(name)) return name.trim() === '' ? '' : name;
  let clean = name.slice(0, NAME_SCAN_CHARS).replace(NOT_IN_NAMES, '');
  if (clean.length > NAME_MAX_CODE_POINTS) clean = Array.from(clean).slice(0, NAME_MAX_CODE_POINTS).join('');
  return clean.trim() === '' ? '' : clean;
}

/** What can make another namespace of a span than its kind does. */
export const NAMESPACE_KEYS: readonly string[] = ['rpc.system', 'rpc.system.name', 'aws.service', 'aws.remote.service'];

/**
 * `aws` for a call of an AWS API, `remote` for every other call that leaves the process, undefined for work inside it.
 * `hasKeys`: the span has one of `NAMESPACE_KEYS`.
 */
export function namespaceOf(kind: number, attributes: SpanAttributes, hasKeys: boolean): 'aws' | 'remote' | undefined {
  if (hasKeys && (isAwsCall(attributes) || peekText(attributes, 'aws.service') !== undefined)) return 'aws';
  if (kind === CLIENT || kind === PRODUCER) return 'remote';
  const isRemote = hasKeys && kind === CONSUMER && attributes.values['aws.remote.service'] !== undefined;
  return isRemote ? 'remote' : undefined;
}

export const isAwsCall = ({ values }: SpanAttributes): boolean =>
  values['rpc.system'] === 'aws-api' || values['rpc.system.name'] === 'aws-api';

/** The service of an AWS call: `DynamoDB`. From `rpc.service`, or from the `Service/Operation` of newer conventions. */
export function awsServiceOf(attributes: SpanAttributes): string | undefined {
  const service = peekText(attributes, 'aws.service') ?? peekText(attributes, 'rpc.service');
  if (service !== undefined) return service;
  const method = peekText(attributes, 'rpc.method');
  const slash = method?.indexOf('/') ?? -1;
  return method !== undefined && slash > 0 ? method.slice(0, slash) : undefined;
}

type NameSource = (span: ReadableSpan, attributes: SpanAttributes) => unknown;

const attribute =
  (key: string): NameSource =>
  (_span, attributes) =>
    use(attributes, key);

const resourceName: NameSource = ({ kind, resource }) =>
  kind === SERVER ? textOrNothing(resource.attributes['service.name']) : undefined;

const ownName: NameSource = (span) => span.name;

/** In order of precedence; the first that leaves a name after sanitising wins. */
const NAME_SOURCES: readonly NameSource[] = [
  (span, attributes) => {
    const isLocalRoot = span.kind === INTERNAL && attributes.values['aws.span.kind'] === 'LOCAL_ROOT';
    return span.kind === SERVER || isLocalRoot ? use(attributes, 'aws.local.service') : undefined;
  },
  ({ kind }, attributes) => {
    if (kind !== CLIENT && kind !== PRODUCER && kind !== CONSUMER) return undefined;
    const service = use(attributes, 'aws.remote.service');
    return service !== undefined && isAwsCall(attributes) ? service.replace(/^(?:AWS\.SDK\.|AWS::)/, '') : service;
  },
  attribute('service.peer.name'),
  attribute('peer.service'),
  attribute('aws.service'),
  (_span, attributes) => (isAwsCall(attributes) ? awsServiceName(attributes) : databaseName(attributes)),
  resourceName,
  attribute('rpc.service'),
  ({ kind }, attributes) => (kind === CLIENT || kind === PRODUCER ? remoteHost(attributes) : undefined),
  ownName,
];

/** Those that need no attribute. */
const PLAIN_NAME_SOURCES: readonly NameSource[] = [resourceName, ownName];

/** What `NAME_SOURCES` look for first: without any of these only the plain ones give a name. */
export const NAME_KEYS: readonly string[] = [
  'aws.local.service',
  'aws.remote.service',
  'service.peer.name',
  'peer.service',
  'aws.service',
  'rpc.system',
  'rpc.system.name',
  'rpc.service',
  'db.namespace',
  'db.name',
  'server.address',
  'http.host',
  'net.peer.name',
  'url.full',
  'http.url',
];

/** The name of the span's subsegment, always valid. `hasKeys`: the span has one of `NAME_KEYS`. */
export function nameOf(span: ReadableSpan, attributes: SpanAttributes, hasKeys: boolean): string {
  const sources = hasKeys ? NAME_SOURCES : PLAIN_NAME_SOURCES;
  for (let index = 0; index < sources.length; index += 1) {
    const name = sources[index]!(span, attributes);
    if (name === undefined) continue;
    const clean = sanitizeName(name);
    if (clean !== '') return clean;
  }
  return 'span';
}

const textOrNothing = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The text under `key`, taken: it stands in the name now. */
function use(attributes: SpanAttributes, key: string): string | undefined {
  const text = peekText(attributes, key);
  if (text !== undefined) attributes.use(key);
  return text;
}

function awsServiceName(attributes: SpanAttributes): string | undefined {
  const service = awsServiceOf(attributes);
  if (service !== undefined) attributes.use('rpc.service');
  return service;
}

/** `database@host`; undefined when the span names no database. */
function databaseName(attributes: SpanAttributes): string | undefined {
  const name = peekText(attributes, 'db.namespace') ?? peekText(attributes, 'db.name');
  if (name === undefined) return undefined;
  const connection = peekText(attributes, 'db.connection_string')?.replace(/^jdbc:/, '');
  const host =
    (connection === undefined ? undefined : hostOf(connection)) ??
    peekText(attributes, 'server.address') ??
    peekText(attributes, 'net.peer.name');
  return host === undefined ? name : `${name}@${withoutPort(host)}`;
}

function remoteHost(attributes: SpanAttributes): string | undefined {
  const host =
    peekText(attributes, 'server.address') ??
    peekText(attributes, 'http.host') ??
    peekText(attributes, 'net.peer.name');
  if (host !== undefined) return withoutPort(host);
  const url = peekText(attributes, 'url.full') ?? peekText(attributes, 'http.url');
  return url === undefined ? undefined : hostOf(url);
}
