// Reads trace contexts that are neither W3C's nor X-Ray's. In a bundle of its own: most functions never need it. B3 is read by
// OpenTelemetry's propagator; Datadog's headers are decimal numbers of 64 bits.
// Source: openzipkin/b3-propagation; Datadog, "Trace Context Propagation".

import { ROOT_CONTEXT, type TextMapGetter, trace } from '@opentelemetry/api';
import { B3Propagator } from '@opentelemetry/propagator-b3';
import type { ContextFormat, RemoteContext } from './parent.ts';
import type { Carrier } from './triggers/trigger.ts';

const SAMPLED = 1;

/** undefined: none of the wanted formats is foreign. */
export function createForeignReader(
  formats: ReadonlySet<ContextFormat>,
): ((carrier: Carrier) => RemoteContext | undefined) | undefined {
  const readsB3 = formats.has('b3') || formats.has('b3multi');
  const readsDatadog = formats.has('datadog');
  if (!readsB3 && !readsDatadog) return undefined;
  return (carrier) => (readsB3 ? readB3(carrier) : undefined) ?? (readsDatadog ? readDatadog(carrier) : undefined);
}

const b3 = new B3Propagator();
const carrierGetter: TextMapGetter<Carrier> = { get: (carrier, name) => carrier.get(name), keys: () => [] };

function readB3(carrier: Carrier): RemoteContext | undefined {
  const found = trace.getSpanContext(b3.extract(ROOT_CONTEXT, carrier, carrierGetter));
  if (found === undefined) return undefined;
  const single = carrier.get('b3');
  const decision = single === undefined ? carrier.get('x-b3-sampled') : single.split('-')[2];
  const isSampled = (found.traceFlags & SAMPLED) === SAMPLED;
  // Debug is sampled without a decision; that it is not debug is none.
  return { context: found, isSampled: decision === undefined && !isSampled ? undefined : isSampled };
}

const UPPER_HALF = /(?:^|,)_dd\.p\.tid=([\da-f]{16})(?:,|$)/;

function readDatadog(carrier: Carrier): RemoteContext | undefined {
  const lower = hex16(carrier.get('x-datadog-trace-id'));
  const spanId = hex16(carrier.get('x-datadog-parent-id'));
  if (lower === undefined || spanId === undefined) return undefined;
  const upper = UPPER_HALF.exec(carrier.get('x-datadog-tags') ?? '')?.[1] ?? '0'.repeat(16);
  const priority = Number(carrier.get('x-datadog-sampling-priority') ?? Number.NaN);
  const isSampled = Number.isNaN(priority) ? undefined : priority > 0;
  const traceFlags = isSampled === true ? SAMPLED : 0;
  return { context: { traceId: upper + lower, spanId, traceFlags, isRemote: true }, isSampled };
}

/** 16 hex digits of a decimal number; undefined when it is none, zero, or does not fit. */
function hex16(decimal: string | undefined): string | undefined {
  if (decimal === undefined || !/^\d{1,20}$/.test(decimal)) return undefined;
  const number = BigInt(decimal);
  return number === 0n || number >= 1n << 64n ? undefined : number.toString(16).padStart(16, '0');
}
