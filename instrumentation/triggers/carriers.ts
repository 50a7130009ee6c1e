// The places inside an event where a producer leaves its trace context, each behind the same `get`. No propagation format is read here.

import { isObject, type Loose, list } from './event-fields.ts';
import type { Carrier } from './trigger.ts';

/** W3C allows 8192 bytes of baggage; nothing that propagates is longer. */
const MAX_VALUE_CHARS = 8192;
const MAX_KAFKA_HEADERS = 64;

/** Names under which X-Ray's header travels where names have no case, dashes or lead of their own. */
const xrayNames = ['AWSTraceHeader', '_X_AMZN_TRACE_ID'];

/** A value a propagator may see: a text, not longer than any context is. */
export function contextText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_VALUE_CHARS ? value : undefined;
}

/**
 * Finds `name` (lower case) as it is usually spelt. The keys are not enumerated: a map of 100 000 keys would take 20 ms to list.
 */
export function spelt(fields: Loose, name: string): unknown {
  const exact = fields?.[name];
  if (exact !== undefined) return exact;
  if (!isObject(fields)) return undefined;
  const capitals = name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
  const other = fields?.[capitals] ?? fields?.[name.toUpperCase()];
  if (other !== undefined || name !== 'x-amzn-trace-id') return other;
  return fields?.[xrayNames[0] as string] ?? fields?.[xrayNames[1] as string];
}

/** A map from names to values; `read` takes the text out of a value, such as `stringValue` of an SQS message attribute. */
export function fieldsCarrier(fields: Loose, read: (value: Loose) => unknown = (value) => value): Carrier | undefined {
  if (!isObject(fields)) return undefined;
  return { get: (name) => contextText(read(spelt(fields, name) as Loose)) };
}

/** Text of a byte array, as Kafka and RabbitMQ headers come; Java's bytes are signed. */
export function bytesText(value: unknown): string | undefined {
  const bytes = list(value);
  if (bytes.length === 0 || bytes.length > MAX_VALUE_CHARS) return undefined;
  return Buffer.from(bytes as unknown as number[]).toString();
}

/** Kafka record headers: a list of objects with one name and its bytes each; the last of a name counts. */
export function kafkaCarrier(headers: unknown): Carrier | undefined {
  const entries = list(headers).slice(0, MAX_KAFKA_HEADERS);
  if (entries.length === 0) return undefined;
  return {
    get(name) {
      for (let i = entries.length - 1; i >= 0; i--) {
        const bytes = spelt(entries[i], name);
        if (bytes !== undefined) return contextText(bytesText(bytes));
      }
      return undefined;
    },
  };
}

/** The `_datadog` carrier: an object, its JSON text, or base64 of that text. */
export function datadogCarrier(value: unknown): Carrier | undefined {
  if (typeof value !== 'string') return fieldsCarrier(value as Loose);
  if (value.length > MAX_VALUE_CHARS) return undefined;
  const json = value.startsWith('{') ? value : Buffer.from(value, 'base64').toString();
  try {
    return json.startsWith('{') ? fieldsCarrier(JSON.parse(json)) : undefined;
  } catch {
    return undefined;
  }
}

/** The header that decides from which layer the headers of the same format are taken. */
function leader(name: string): string {
  if (name === 'tracestate') return 'traceparent';
  if (name.startsWith('x-b3-')) return 'x-b3-traceid';
  return name.startsWith('x-datadog-') ? 'x-datadog-trace-id' : name;
}

/** Several places of one message, searched in order. Headers of one format always come from the same place. */
export function layeredCarrier(layers: readonly (Carrier | undefined)[]): Carrier | undefined {
  const present = layers.filter((layer) => layer !== undefined);
  if (present.length < 2) return present[0];
  return {
    get(name) {
      const lead = leader(name);
      for (const layer of present) if (layer.get(lead) !== undefined) return layer.get(name);
      return undefined;
    },
  };
}

/** Whether any of the propagators' own headers is there. */
export function hasContext(carrier: Carrier | undefined, contextKeys: readonly string[]): carrier is Carrier {
  return carrier !== undefined && contextKeys.some((key) => carrier.get(key) !== undefined);
}
