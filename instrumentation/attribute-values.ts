// What may stand as an attribute, by the rules of OpenTelemetry's SDK, whose code these spans do without; it is the oracle in
// the tests. Source: OpenTelemetry specification, "Attribute" and "Attribute Limits".

import type { Attributes, AttributeValue } from '@opentelemetry/api';

/** The SDK's own default, for a span, an event and a link each. */
export const ATTRIBUTE_COUNT_LIMIT = 128;

export type CleanAttributes = { readonly attributes: Attributes; readonly droppedAttributesCount: number };

/** Text, number, boolean, or a list of one of these with gaps: what events may carry. */
export function isSimpleValue(value: unknown): boolean {
  if (!Array.isArray(value)) return isPrimitive(typeof value);
  const first = value.find((item) => item !== undefined && item !== null);
  return (
    first === undefined ||
    (isPrimitive(typeof first) && value.every((item) => item == null || typeof item === typeof first))
  );
}

/** Simple values, null, bytes, and lists and plain objects of any of these: what spans and links may carry. */
export function isAnyValue(value: unknown): boolean {
  return isAny(value, NO_ANCESTORS);
}

const NO_ANCESTORS: readonly object[] = [];

function isAny(value: unknown, ancestors: readonly object[]): boolean {
  if (typeof value !== 'object') return isPrimitive(typeof value);
  if (value === null || value instanceof Uint8Array) return true;
  if (ancestors.includes(value)) return false;
  if (!Array.isArray(value) && value.constructor !== Object && value.constructor !== undefined) return false;
  const inside = [...ancestors, value];
  return Object.values(value).every((item) => item === undefined || isAny(item, inside));
}

function isPrimitive(type: string): boolean {
  return type === 'string' || type === 'number' || type === 'boolean';
}

/** A copy of a valid value: what user code does to its own afterwards does not change the span. */
export function copyValue(value: unknown): AttributeValue {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined) copy[key] = copyValue(item);
  return copy;
}

/** Copies what is valid, up to the limit, and counts what is not; undefined values are no attributes. */
export function cleanAttributes(given: Attributes | undefined, isValid: (value: unknown) => boolean): CleanAttributes {
  const attributes: Attributes = {};
  let count = 0;
  let droppedAttributesCount = 0;
  for (const [key, value] of typeof given === 'object' && given !== null ? Object.entries(given) : []) {
    if (value === undefined) continue;
    if (count >= ATTRIBUTE_COUNT_LIMIT || key === '' || !isValid(value)) {
      droppedAttributesCount++;
      continue;
    }
    attributes[key] = copyValue(value);
    count++;
  }
  return { attributes, droppedAttributesCount };
}
