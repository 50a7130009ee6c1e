// Metadata: what a subsegment carries without being searchable. Namespaces of the user's own, every attribute nothing else took,
// events and links, under a cap of bytes.

import type { Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { rootOf } from '../../trace-header.ts';
import { epochSeconds } from './epoch-seconds.ts';
import { setKey, toJsonValue } from './json-value.ts';
import { markLongText } from './metadata-cap.ts';
import type { SpanAttributes } from './span-attributes.ts';
import { type Metadata, OWN_NAMESPACE } from './subsegment.ts';

const DEFAULT_NAMESPACE = 'default';
/** `aws.xray.metadata.<namespace>` holds the JSON text of an object. */
const NAMESPACE_PREFIX = 'aws.xray.metadata.';
const MAX_EVENTS = 20;
const MAX_LINKS = 20;

export type MetadataInput = {
  readonly attributes: SpanAttributes;
  /** Exceptions among them are the cause's. */
  readonly events: ReadableSpan['events'];
  readonly links: readonly Link[];
  /** Our own marks, if any: what was lost before the span came here. */
  readonly marks: Readonly<Record<string, unknown>> | undefined;
  /** About the tracer, on the `Invocation` alone. */
  readonly runtime: Readonly<Record<string, unknown>> | undefined;
  /** A text longer than this is not worth carrying on: the cap that the caller brings the whole under. */
  readonly capBytes: number;
};

/** The metadata; undefined when there is none. */
export function metadataOf(input: MetadataInput): Metadata | undefined {
  const metadata: Metadata = {};
  addAttributes(metadata, input.attributes, input.capBytes);
  if (input.events.length > 0) addEvents(metadata, input.events);
  if (input.links.length > 0) addLinks(metadata, input.links);
  if (input.runtime !== undefined) Object.assign(namespaceIn(metadata, 'runtime'), input.runtime);
  if (input.marks !== undefined) Object.assign(namespaceIn(metadata, OWN_NAMESPACE), input.marks);
  for (const _ in metadata) return metadata;
  return undefined;
}

/** Every attribute that nothing else took. */
function addAttributes(metadata: Metadata, attributes: SpanAttributes, capBytes: number): void {
  const { keys, values } = attributes;
  let namespace: Record<string, unknown> | undefined;
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]!;
    if (attributes.isUsed(key)) continue;
    if (key.startsWith(NAMESPACE_PREFIX) && addNamespace(metadata, key, values[key], capBytes)) continue;
    const value = toJsonValue(values[key]);
    if (value === undefined || value === null) continue;
    namespace ??= namespaceIn(metadata, DEFAULT_NAMESPACE);
    setKey(namespace, allowedKey(key), markLongText(value, capBytes));
  }
}

/** Sets one of our own marks, in a place where the metadata may not exist yet. */
export function withMark(metadata: Metadata | undefined, key: string, value: unknown): Metadata {
  const marked = metadata ?? {};
  setKey(namespaceIn(marked, OWN_NAMESPACE), key, value);
  return marked;
}

/** `AWS.` at the start of a key or namespace is reserved. */
const allowedKey = (key: string): string => (key.startsWith('AWS.') ? `_${key}` : key);

function namespaceIn(metadata: Metadata, name: string): Record<string, unknown> {
  const known = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  if (known !== undefined) return known;
  const created: Record<string, unknown> = {};
  setKey(metadata, name, created);
  return created;
}

/** False when the text is not the JSON of an object: then it stays an attribute like any other. */
function addNamespace(metadata: Metadata, key: string, text: unknown, capBytes: number): boolean {
  // Text over the cap would be dropped anyway: not worth parsing.
  if (typeof text !== 'string' || text.length > capBytes) return false;
  let parsed: unknown;
  try {
    parsed = toJsonValue(JSON.parse(text));
  } catch {
    return false;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false;
  const name = allowedKey(key.slice(NAMESPACE_PREFIX.length)) || DEFAULT_NAMESPACE;
  const namespace = namespaceIn(metadata, name);
  for (const [member, value] of Object.entries(parsed)) setKey(namespace, allowedKey(member), value);
  return true;
}

/** Under their position, because a namespace must be an object. */
function addEvents(metadata: Metadata, events: ReadableSpan['events']): void {
  let count = 0;
  for (const { name, time, attributes } of events) {
    if (name === 'exception') continue;
    count += 1;
    if (count > MAX_EVENTS) continue;
    const event: Record<string, unknown> = { name: toJsonValue(name), time: epochSeconds(time) };
    const details = attributes === undefined ? undefined : toJsonValue(attributes);
    if (details !== undefined && Object.keys(details as object).length > 0) event.attributes = details;
    namespaceIn(metadata, 'events')[count - 1] = event;
  }
  if (count > MAX_EVENTS) namespaceIn(metadata, 'events').dropped = count - MAX_EVENTS;
}

/** Subsegments have no `links` of their own in X-Ray. */
function addLinks(metadata: Metadata, links: readonly Link[]): void {
  for (const [index, { context, attributes }] of links.entries()) {
    if (index === MAX_LINKS) {
      namespaceIn(metadata, 'links').dropped = links.length - MAX_LINKS;
      return;
    }
    const link: Record<string, unknown> = { trace_id: rootOf(context.traceId), id: context.spanId };
    const details = attributes === undefined ? undefined : toJsonValue(attributes);
    if (details !== undefined && Object.keys(details as object).length > 0) link.attributes = details;
    namespaceIn(metadata, 'links')[index] = link;
  }
}
