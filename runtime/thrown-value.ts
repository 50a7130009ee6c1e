// What user code threw: is it an error, and what does it say. Nothing here throws, whatever the value does when it is looked at.

import { types } from 'node:util';

/** An Error of this realm, of another realm (`node:vm`), or something that inherits from Error. Never throws. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    return false;
  }
}

/** `String(value)`, or a text that says why there is none. Never throws. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a value of type ${typeof value} that cannot be converted to a string`;
  }
}

/** One property as a string; undefined when it is absent, something else, or throws when read. */
export function readText(value: unknown, property: 'name' | 'message' | 'stack'): string | undefined {
  try {
    const text = (value as Record<string, unknown> | null | undefined)?.[property];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The first `limit` UTF-16 units of a text, never half a surrogate pair. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}
