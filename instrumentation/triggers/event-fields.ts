// Reading fields of an event that may be anything. Nothing here throws for any JSON value; only objects with live getters can.

import type { Attributes, AttributeValue } from '@opentelemetry/api';

/**
 * A JSON value of unknown shape, read only with `?.`: a step into it gives another such value or nothing, whatever lies there.
 * The functions below are the only places that ask what a value is.
 */
export type Loose = { readonly [name: string]: Loose } | undefined;

/** Longer texts are cut: no attribute of an event needs more, and an attacker's path may be megabytes. */
const MAX_TEXT_CHARS = 4096;

export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): boolean {
  return typeof value === 'string';
}

/** A text with something in it, cut at 4096 units; everything else is undefined. */
export function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.length > MAX_TEXT_CHARS ? value.slice(0, MAX_TEXT_CHARS) : value;
}

/** The values of a list; anything else is an empty one. */
export function list(value: unknown): readonly Loose[] {
  return Array.isArray(value) ? value : [];
}

/** A non-negative whole number, given as such or as its digits. */
export function integer(value: unknown): number | undefined {
  if (typeof value === 'string' && value.length < 16 && /^\d+$/.test(value)) return Number(value);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Epoch milliseconds of an ISO 8601 text; undefined when it is none. */
export function epochMsOfIso(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length > 40) return undefined;
  const epochMs = Date.parse(value);
  return Number.isNaN(epochMs) ? undefined : epochMs;
}

/** Epoch milliseconds of a number of seconds, which may have a fraction. */
export function epochMsOfSeconds(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && value < 1e11 ? Math.round(value * 1000) : undefined;
}

/** ISO 8601 of epoch milliseconds. */
export function isoTime(epochMs: number | undefined): string | undefined {
  return epochMs === undefined || Math.abs(epochMs) > 8.64e15 ? undefined : new Date(epochMs).toISOString();
}

export type Arn = {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
};

/** Parts of `arn:partition:service:region:account:resource`; undefined when it is not of that form. */
export function parseArn(value: unknown): Arn | undefined {
  const parts = text(value)?.split(':', 12);
  if (parts === undefined || parts.length < 6 || parts[0] !== 'arn') return undefined;
  const [, partition = '', , region = '', account = ''] = parts;
  return { partition, region, account, resource: parts.slice(5).join(':') };
}

/** One step of an ARN's resource: the `1` of `table/Orders/stream/…` is `Orders`, of `function:pay:live` it is `pay`. */
export function arnStep(value: unknown, index: number): string | undefined {
  return text(parseArn(value)?.resource.split(/[/:]/, 8)[index]);
}

/**
 * Attributes with the absent ones left out: of `texts` everything that is no text falls away, so that an event's own fields can
 * be named without looking at them first; `values` are the caller's and only lose what is undefined.
 */
export function attributesOf(
  texts: { readonly [key: string]: unknown },
  values?: { readonly [key: string]: AttributeValue | undefined },
): Attributes {
  const attributes: Attributes = {};
  for (const key in texts) {
    const value = text(texts[key]);
    if (value !== undefined) attributes[key] = value;
  }
  for (const key in values) if (values[key] !== undefined) attributes[key] = values[key];
  return attributes;
}

/** What all items have in common: the value when it is the same for each, else undefined. */
export function shared<Item, Value>(items: readonly Item[], read: (item: Item) => Value): Value | undefined {
  if (items.length === 0) return undefined;
  const first = read(items[0] as Item);
  for (let i = 1; i < items.length; i++) if (read(items[i] as Item) !== first) return undefined;
  return first;
}

/** Size in bytes of a body as it went over the wire. */
export function bodyBytes(body: unknown, isBase64: boolean): number | undefined {
  if (typeof body !== 'string') return undefined;
  if (!isBase64) return Buffer.byteLength(body);
  return Buffer.byteLength(body, 'base64');
}
