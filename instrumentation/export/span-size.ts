// About how many bytes of memory a span holds: an estimate for the queue's ceiling, not a measurement.

import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** A span without attributes, events and links: 0.9 kB by heap statistics over 10 000 spans of the SDK, Node 24. */
const SPAN_BYTES = 900;
const ENTRY_BYTES = 40;
const EVENT_BYTES = 200;
const LINK_BYTES = 300;

export function spanBytes(span: ReadableSpan): number {
  let bytes = SPAN_BYTES + span.name.length + attributeBytes(span.attributes);
  for (const { name, attributes } of span.events) {
    bytes += EVENT_BYTES + name.length + (attributes === undefined ? 0 : attributeBytes(attributes));
  }
  for (const { attributes } of span.links) {
    bytes += LINK_BYTES + (attributes === undefined ? 0 : attributeBytes(attributes));
  }
  return bytes;
}

function attributeBytes(attributes: Attributes): number {
  let bytes = 0;
  for (const key in attributes) {
    const value = attributes[key];
    bytes += ENTRY_BYTES + key.length;
    if (typeof value === 'string') bytes += value.length;
    else if (Array.isArray(value)) for (const item of value) bytes += typeof item === 'string' ? item.length + 16 : 8;
  }
  return bytes;
}
