// Reading fields of an event that may be anything. Nothing here throws for any JSON value; only objects with live getters can.

import { RealDate } from '../../runtime/untouched.ts';

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

/** A text with something in it, cut at 4096 units; everything else is undefined. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT_CHARS) : undefined;
}

/** The values of a list; anything else is an empty one. */
export function list(value: unknown): readonly Loose[] {
  return Array.isArray(value) ? value : [];
}

/** A non-negative whole number, given as such or as its digits. */
export function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  if (!Number.isSafeInteger(number) || (number as number) < 0) return undefined;
  return typeof value === 'number' || String(number) === value ? (number as number) : undefined;
}

/** Epoch milliseconds of an ISO 8601 text; undefined when it is none. */
export function epochMsOfIso(value: unknown): number | undefined {
  // NaN is the only number that falls away here beside 1970's first millisecond.
  return (typeof value === 'string' && value.length < 40 && Date.parse(value)) || undefined;
}

/** Epoch milliseconds of a number of seconds, which may have a fraction. */
export function epochMsOfSeconds(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && value < 1e11 ? Math.round(value * 1000) : undefined;
}

/** ISO 8601 of epoch milliseconds. */
export function isoTime(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new RealDate(epochMs).toISOString();
}

/** `partition, service, region, account` and the resource of an ARN; empty when the value is none. */
export function arnParts(value: unknown): readonly (string | undefined)[] {
  const [scheme, partition, service, region, account, ...resource] = text(value)?.split(':', 12) ?? [];
  return scheme === 'arn' && resource.length > 0 ? [partition, service, region, account, resource.join(':')] : [];
}

/** One step of an ARN's resource: the `1` of `table/Orders/stream/…` is `Orders`, of `function:pay:live` it is `pay`. */
export function arnStep(value: unknown, index: number): string | undefined {
  return text(arnParts(value)[4]?.split(/[/:]/, 8)[index]);
}

/** What the map `names` says of a text; a name that it inherits (`constructor`) says nothing. */
export function translate(names: { readonly [name: string]: string }, value: unknown): string | undefined {
  return typeof value === 'string' && Object.hasOwn(names, value) ? names[value] : undefined;
}

/** Size in bytes of a body as it went over the wire. */
export function bodyBytes(body: unknown, isBase64: unknown): number | undefined {
  return typeof body === 'string' ? Buffer.byteLength(body, isBase64 === true ? 'base64' : 'utf8') : undefined;
}
