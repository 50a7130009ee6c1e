// Spans whose numbers JSON can carry. The official JSON serializer writes NaN as null and large whole numbers with an exponent; a
// receiver that reads integers refuses the whole request for one of them.

import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { openSnapshot } from '../span-snapshot.ts';
import { usableLinks } from '../usable-links.ts';

/** The span itself, or a stand-in with those numbers as texts. */
export function withJsonNumbers(span: ReadableSpan): ReadableSpan {
  const { attributes, events } = span;
  const links = usableLinks(span);
  const isSafe =
    links === span.links &&
    !isHazardous(attributes) &&
    events.every((event) => !isHazardous(event.attributes)) &&
    links.every((link) => !isHazardous(link.attributes));
  if (isSafe) return span;
  // Not an object with the span as its prototype: getters of the runtime's own spans know their own instances only.
  return {
    ...openSnapshot(span),
    attributes: cleaned(attributes),
    events: events.map((event) => ({ ...event, attributes: cleaned(event.attributes) })),
    links: links.map((link) => ({ ...link, attributes: cleaned(link.attributes) })),
    droppedLinksCount: span.droppedLinksCount + span.links.length - links.length,
  };
}

const isHazardousNumber = (value: number): boolean =>
  !Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER);

function isHazardous(value: unknown): boolean {
  if (typeof value === 'number') return isHazardousNumber(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Array.isArray(value) ? value.some(isHazardous) : Object.values(value).some(isHazardous);
}

const cleaned = (attributes: Attributes | undefined): Attributes =>
  Object.fromEntries(Object.entries(attributes ?? {}).map(([key, value]) => [key, cleanedValue(value)]));

function cleanedValue(value: unknown): AttributeValue {
  if (typeof value === 'number') return isHazardousNumber(value) ? String(value) : value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Array.isArray(value) ? value.map(cleanedValue) : cleaned(value as Attributes);
}
