// Spans as the bytes of an ExportTraceServiceRequest (opentelemetry-proto, trace/v1/trace.proto). OpenTelemetry's own serializer goes
// through every text character by character, twice: in the first hundred flushes of a process, before V8 has compiled that, it takes
// most of a flush. These are its bytes, by one pass and Node's own writers of texts; it is the oracle in protobuf-spans.test.ts.

import type { Attributes, Link, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { usableLinks } from '../usable-links.ts';
import {
  begin,
  close,
  open,
  position,
  take,
  takeFrom,
  writeBytes,
  writeDouble,
  writeEncoded,
  writeFixed32,
  writeId,
  writeNumber,
  writeText,
  writeTime,
} from './protobuf-writer.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

let resourceAttributes: Attributes | undefined;
let resourceSize = 0;
let resourceBytes: Uint8Array | undefined;

/** The bytes are the caller's. */
export function encodeSpans(spans: readonly ReadableSpan[]): Uint8Array {
  begin();
  for (const [resource, scopes] of groupSpans(spans)) {
    const start = open(0x0a);
    writeResource(resource);
    for (const [scope, inScope] of scopes) writeScopeSpans(scope, inScope);
    if (resource.schemaUrl) writeText(0x1a, resource.schemaUrl);
    close(start);
  }
  return take();
}

function groupSpans(spans: readonly ReadableSpan[]): ReadonlyMap<Resource, ReadonlyMap<Scope, ReadableSpan[]>> {
  const resources = new Map<Resource, Map<Scope, ReadableSpan[]>>();
  for (const span of spans) {
    const { resource, instrumentationScope } = span;
    const scopes = resources.get(resource);
    if (scopes === undefined) {
      resources.set(resource, new Map([[instrumentationScope, [span]]]));
      continue;
    }
    const inScope = scopes.get(instrumentationScope);
    if (inScope === undefined) scopes.set(instrumentationScope, [span]);
    else inScope.push(span);
  }
  return resources;
}

/** It is the same for all of a function's spans, and more than a third of what they take: encoded once. */
function writeResource({ attributes }: Resource): void {
  const size = attributes === undefined ? 0 : Object.keys(attributes).length;
  if (resourceBytes !== undefined && attributes === resourceAttributes && size === resourceSize) {
    writeEncoded(resourceBytes);
    return;
  }
  const from = position();
  const start = open(0x0a);
  if (attributes !== undefined) writeAttributes(0x0a, attributes);
  writeNumber(0x10, 0);
  close(start);
  resourceBytes = takeFrom(from);
  resourceAttributes = attributes;
  resourceSize = size;
}

function writeScopeSpans(scope: Scope, spans: readonly ReadableSpan[]): void {
  const start = open(0x12);
  const scopeStart = open(0x0a);
  writeText(0x0a, scope.name);
  if (scope.version) writeText(0x12, scope.version);
  const { attributes, droppedAttributesCount } = scope as { attributes?: Attributes; droppedAttributesCount?: number };
  if (attributes) writeAttributes(0x1a, attributes);
  if (droppedAttributesCount) writeNumber(0x20, droppedAttributesCount);
  close(scopeStart);
  for (const span of spans) writeSpan(span);
  if (scope.schemaUrl) writeText(0x1a, scope.schemaUrl);
  close(start);
}

function writeSpan(span: ReadableSpan): void {
  const start = open(0x12);
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  const { parentSpanContext } = span;
  writeId(0x0a, traceId);
  writeId(0x12, spanId);
  const state = traceState?.serialize();
  if (state) writeText(0x1a, state);
  if (parentSpanContext?.spanId) writeId(0x22, parentSpanContext.spanId);
  writeText(0x2a, span.name);
  // OpenTelemetry's kinds begin with INTERNAL, those of the protocol one earlier.
  const kind = (span.kind ?? -1) + 1;
  if (kind !== 0) writeNumber(0x30, kind);
  writeTime(0x39, span.startTime);
  writeTime(0x41, span.endTime);
  writeAttributes(0x4a, span.attributes);
  writeNumber(0x50, span.droppedAttributesCount);
  for (const event of span.events) writeEvent(event);
  writeNumber(0x60, span.droppedEventsCount);
  const links = usableLinks(span);
  for (const link of links) writeLink(link);
  writeNumber(0x70, span.droppedLinksCount + span.links.length - links.length);
  writeStatus(span.status);
  // Field 16, the only one whose tag takes two bytes.
  writeFlags(0x0185, traceFlags, parentSpanContext);
  close(start);
}

function writeEvent({ time, name, attributes, droppedAttributesCount }: ReadableSpan['events'][number]): void {
  const start = open(0x5a);
  writeTime(0x09, time);
  writeText(0x12, name);
  if (attributes) writeAttributes(0x1a, attributes);
  writeNumber(0x20, droppedAttributesCount || 0);
  close(start);
}

function writeLink({ context, attributes, droppedAttributesCount }: Link): void {
  const start = open(0x6a);
  writeId(0x0a, context.traceId);
  writeId(0x12, context.spanId);
  const state = context.traceState?.serialize();
  if (state) writeText(0x1a, state);
  if (attributes) writeAttributes(0x22, attributes);
  writeNumber(0x28, droppedAttributesCount || 0);
  writeFlags(0x35, context.traceFlags, context);
  close(start);
}

function writeStatus({ code, message }: SpanStatus): void {
  const start = open(0x7a);
  if (message) writeText(0x12, message);
  writeNumber(0x18, code);
  close(start);
}

function writeFlags(tag: number, traceFlags: number, remote: SpanContext | undefined): void {
  writeFixed32(tag, (traceFlags & 0xff) | HAS_IS_REMOTE | (remote?.isRemote ? IS_REMOTE : 0));
}

function writeAttributes(tag: number, attributes: Attributes): void {
  for (const key in attributes) {
    if (Object.hasOwn(attributes, key)) writeKeyValue(tag, key, attributes[key]);
  }
}

function writeKeyValue(tag: number, key: string, value: unknown): void {
  const start = open(tag);
  writeText(0x0a, key);
  writeValue(0x12, value);
  close(start);
}

/** An AnyValue: what is no value at all is one without a field. */
function writeValue(tag: number, value: unknown): void {
  const start = open(tag);
  switch (typeof value) {
    case 'string':
      writeText(0x0a, value);
      break;
    case 'boolean':
      writeNumber(0x10, value ? 1 : 0);
      break;
    case 'number':
      if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
        writeNumber(0x18, value);
      } else {
        writeDouble(0x21, value);
      }
      break;
    case 'object':
      if (value !== null) writeObject(value);
  }
  close(start);
}

function writeObject(value: object): void {
  if (value instanceof Uint8Array) {
    writeBytes(0x3a, value);
    return;
  }
  const isArray = Array.isArray(value);
  const start = open(isArray ? 0x2a : 0x32);
  if (isArray) for (const item of value) writeValue(0x0a, item);
  else writeAttributes(0x0a, value as Attributes);
  close(start);
}
