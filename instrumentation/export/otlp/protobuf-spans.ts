// Spans as the bytes of an ExportTraceServiceRequest (opentelemetry-proto, trace/v1/trace.proto). OpenTelemetry's own serializer goes
// through every text character by character, twice: in the first hundred flushes of a process, before V8 has compiled that, it takes
// most of a flush. These are its bytes, by one pass and Node's own writers of texts; it is the oracle in protobuf-spans.test.ts.

import type { Attributes, HrTime, Link, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

const FIRST_BYTES = 16 * 1024;
/** A buffer that one large request made larger than this is not kept. */
const MOST_KEPT_BYTES = 256 * 1024;

const TWO_TO_32 = 0x1_0000_0000;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

// One request is encoded at a time, from its first byte to its last: what is written, and where the next byte goes.
let bytes: Buffer = Buffer.alloc(0);
let at = 0;

let resourceAttributes: Attributes | undefined;
let resourceSize = 0;
let resourceBytes: Uint8Array = bytes;

/** The bytes are the caller's. */
export function encodeSpans(spans: readonly ReadableSpan[]): Uint8Array {
  if (bytes.length === 0) bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  at = 0;
  for (const [resource, scopes] of groupSpans(spans)) {
    const start = open(0x0a);
    writeResource(resource);
    for (const [scope, inScope] of scopes) writeScopeSpans(scope, inScope);
    if (resource.schemaUrl) writeText(0x1a, resource.schemaUrl);
    close(start);
  }
  const message = Uint8Array.prototype.slice.call(bytes, 0, at);
  if (bytes.length > MOST_KEPT_BYTES) bytes = Buffer.alloc(0);
  return message;
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
  if (attributes !== resourceAttributes || size !== resourceSize) {
    const from = at;
    const start = open(0x0a);
    if (attributes !== undefined) writeAttributes(0x0a, attributes);
    writeNumber(0x10, 0);
    close(start);
    resourceBytes = Uint8Array.prototype.slice.call(bytes, from, at);
    resourceAttributes = attributes;
    resourceSize = size;
    return;
  }
  reserve(resourceBytes.length);
  bytes.set(resourceBytes, at);
  at += resourceBytes.length;
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
  for (const link of span.links) writeLink(link);
  writeNumber(0x70, span.droppedLinksCount);
  writeStatus(span.status);
  // Field 16, the only one whose tag takes two bytes.
  reserve(8);
  bytes[at++] = 0x85;
  writeFlags(0x01, traceFlags, parentSpanContext);
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
  reserve(8);
  bytes[at++] = tag;
  writeInt32((traceFlags & 0xff) | HAS_IS_REMOTE | (remote?.isRemote ? IS_REMOTE : 0));
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
        reserve(9);
        bytes[at++] = 0x21;
        at = bytes.writeDoubleLE(value, at);
      }
      break;
    case 'object':
      if (value !== null) writeObject(value);
  }
  close(start);
}

function writeObject(value: object): void {
  if (value instanceof Uint8Array) {
    reserve(value.length + 10);
    bytes[at++] = 0x3a;
    writeVarint(value.length);
    bytes.set(value, at);
    at += value.length;
    return;
  }
  const isArray = Array.isArray(value);
  const start = open(isArray ? 0x2a : 0x32);
  if (isArray) for (const item of value) writeValue(0x0a, item);
  else writeAttributes(0x0a, value as Attributes);
  close(start);
}

/** Room for that many bytes more. */
function reserve(size: number): void {
  if (at + size <= bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + size));
  bytes.copy(larger, 0, 0, at);
  bytes = larger;
}

/** Begins a message within the message; returns where it begins. */
function open(tag: number): number {
  // Enough for this one, its length if it is a short one, and a tag of two bytes to follow.
  reserve(8);
  bytes[at] = tag;
  at += 2;
  return at;
}

/** Ends the message that began there: writes its length before it, which seldom is more than the byte left for it. */
function close(start: number): void {
  const length = at - start;
  if (length < 0x80) {
    bytes[start - 1] = length;
    return;
  }
  const more = varintBytes(length) - 1;
  reserve(more + 8);
  bytes.copyWithin(start + more, start, at);
  at = start - 1;
  writeVarint(length);
  at += length;
}

/** What user code gave instead of a text becomes one. */
function writeText(tag: number, given: string): void {
  const text = typeof given === 'string' ? given : String(given);
  const { length } = text;
  reserve(3 * length + 16);
  bytes[at++] = tag;
  // As if all of it were ASCII, which it nearly always is.
  const expected = varintBytes(length);
  const start = at + expected;
  const size = bytes.write(text, start, 'utf8');
  const actual = varintBytes(size);
  if (actual !== expected) bytes.copyWithin(at + actual, start, start + size);
  writeVarint(size);
  at += size;
}

function writeId(tag: number, hex: string): void {
  reserve(hex.length + 8);
  bytes[at] = tag;
  const size = bytes.write(hex, at + 2, 'hex');
  bytes[at + 1] = size;
  at += size + 2;
}

function writeNumber(tag: number, value: number): void {
  reserve(16);
  bytes[at++] = tag;
  writeVarint(value);
}

const varintBytes = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;

/** Without room being made for it. Negative numbers are those of 64 bits that they are in two's complement. */
function writeVarint(value: number): void {
  let low = value;
  let high = 0;
  if (value < 0 || value >= TWO_TO_32) {
    high = Math.floor(value / TWO_TO_32);
    low = value - high * TWO_TO_32;
    high >>>= 0;
    low >>>= 0;
    while (high > 0) {
      bytes[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
  }
  while (low > 0x7f) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  bytes[at++] = low;
}

/** Nanoseconds since 1970 in 64 bits, without the BigInts that it would take to multiply: 10^9 is 2^9 times 1953125. */
function writeTime(tag: number, [seconds, nanoseconds]: HrTime): void {
  reserve(16);
  bytes[at++] = tag;
  const parts = seconds * 1_953_125;
  const low = (parts % 0x80_0000) * 0x200 + nanoseconds;
  writeInt32(low);
  writeInt32(Math.floor(parts / 0x80_0000) + Math.floor(low / TWO_TO_32));
}

function writeInt32(value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
  at += 4;
}
