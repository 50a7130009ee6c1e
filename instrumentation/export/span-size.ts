// About how many bytes of memory a span holds: an estimate for the queue's ceiling, not a measurement.

import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** A span without attributes, events and links: 0.9 kB by heap statistics over 10 000 spans of the SDK, Node 24. */
const SPAN_BYTES = 900;
const ENTRY_BYTES = 40;
const EVENT_BYTES = 200;
const LINK_BYTES = 300;

export function spanBytes({ name, attributes, events, links }: ReadableSpan): number {
  let bytes = SPAN_BYTES + name.length + attributeBytes(attributes);
  for (let at = 0; at < events.length; at++) {
    const event = events[at]!;
    bytes += EVENT_BYTES + event.name.length + attributeBytes(event.attributes);
  }
  for (let at = 0; at < links.length; at++) bytes += LINK_BYTES + attributeBytes(links[at]!.attributes);
  return bytes;
}

function attributeBytes(attributes: Attributes | undefined): number {
  let bytes = 0;
  for (const key in attributes) {
    const value = attributes[key];
    bytes += ENTRY_BYTES + key.length;
    if (typeof value === 'string') bytes += value.length;
    else if (Array.isArray(value)) for (const item of value) bytes += typeof item === 'string' ? item.length + 16 : 8;
  }
  return bytes;
}
