// The places inside an event where a producer leaves its trace context, each behind the same `get`. No propagation format is read here.

import { isObject, type Loose, list } from './event-fields.ts';
import type { Reading } from './row.ts';
import type { Carrier } from './trigger.ts';

/** W3C allows 8192 bytes of baggage; nothing that propagates is longer. */
const MAX_VALUE_CHARS = 8192;
const MAX_KAFKA_HEADERS = 64;

/** A value a propagator may see: a text, not longer than any context is. */
export function contextText(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_VALUE_CHARS ? value || undefined : undefined;
}

function capitalized(name: string): string {
  return name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('-');
}

/**
 * Finds `name` (lower case) as it is usually spelt. The keys are not enumerated: a map of 150 000 names takes 21 ms to list.
 * X-Ray's header is also found under the names it has where names have no dashes.
 */
export function spelt(fields: Loose, name: string): Loose {
  if (!isObject(fields)) return undefined;
  return (
    fields?.[name] ??
    fields?.[capitalized(name)] ??
    fields?.[name.toUpperCase()] ??
    (name === 'x-amzn-trace-id' ? (fields?.AWSTraceHeader ?? fields?._X_AMZN_TRACE_ID) : undefined)
  );
}

/** A map from names to values; `field` is the one that holds the text of a value, such as `stringValue`. */
export function fieldsCarrier(fields: Loose, field?: string): Carrier | undefined {
  if (!isObject(fields)) return undefined;
  return {
    get(name) {
      const value = spelt(fields, name);
      return contextText(field ? value?.[field] : value);
    },
  };
}

/** One header that stands alone. */
export function headerCarrier(header: string, value: unknown): Carrier | undefined {
  const content = contextText(value);
  return content ? { get: (name) => (name === header ? content : undefined) } : undefined;
}

/** Text of a byte array, as Kafka and RabbitMQ headers come; Java's bytes are signed. A text stays what it is. */
function bytesText(value: unknown): string | undefined {
  const bytes = list(value);
  if (bytes.length === 0 || bytes.length > MAX_VALUE_CHARS) return contextText(value);
  return contextText(Buffer.from(bytes as unknown as number[]).toString());
}

/** Headers in one map or a list of maps (Kafka: one per header, the last of a name counts); values are bytes, `{ bytes }` or texts. */
export function bytesCarrier(headers: unknown): Carrier | undefined {
  const maps = (isObject(headers) ? [headers as Loose] : list(headers)).slice(0, MAX_KAFKA_HEADERS);
  return {
    get(name) {
      for (let i = maps.length - 1; i >= 0; i--) {
        const value = spelt(maps[i], name);
        if (value !== undefined) return bytesText(value?.bytes ?? value);
      }
      return undefined;
    },
  };
}

/** The `_datadog` carrier when that is wanted: an object, its JSON text, or base64 of that text. */
export function datadogCarrier(value: unknown, reading: Reading): Carrier | undefined {
  if (!reading.options.readsDatadog) return undefined;
  const encoded = contextText(value);
  if (encoded === undefined) return fieldsCarrier(value as Loose);
  return fieldsCarrier(reading.parse(encoded.startsWith('{') ? encoded : Buffer.from(encoded, 'base64').toString()));
}

/** The header that decides from which layer the headers of the same format are taken. */
function leader(name: string): string {
  if (name === 'tracestate') return 'traceparent';
  if (name.startsWith('x-b3-')) return 'x-b3-traceid';
  return name.startsWith('x-datadog-') ? 'x-datadog-trace-id' : name;
}

/** Several places of one message, searched in order. Headers of one format always come from the same place. */
export function layeredCarrier(...layers: (Carrier | undefined)[]): Carrier | undefined {
  let only: Carrier | undefined;
  let present = 0;
  for (let at = 0; at < layers.length; at++) {
    if (layers[at] === undefined) continue;
    only = layers[at];
    present++;
  }
  if (present < 2) return only;
  return {
    get: (name) => layers.find((layer) => layer?.get(leader(name)) !== undefined)?.get(name),
  };
}
