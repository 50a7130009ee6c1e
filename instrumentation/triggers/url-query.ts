// Query strings as attributes: put together from an event's maps, bounded, and without the secrets that URLs carry.

import { isObject, type Loose } from './event-fields.ts';

const MAX_QUERY_CHARS = 4096;
const MAX_VALUES = 128;
const REDACTED = 'REDACTED';

function decodeText(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** The text of an S3 key, which comes url-encoded with `+` for a space; one that is badly encoded stays as it is. */
export function decodeKey(key: string | undefined): string | undefined {
  return key && decodeText(key.replaceAll('+', ' '));
}

/** A raw query (no `?`) with the values of `keys` replaced; the keys stay. Cut at 4096 units. */
export function redactQuery(query: string, keys: readonly string[]): string {
  return query
    .slice(0, MAX_QUERY_CHARS)
    .split('&')
    .map((part) => {
      const key = part.slice(0, part.indexOf('=') + 1);
      return key && keys.includes(decodeText(key.slice(0, -1))) ? key + REDACTED : part;
    })
    .join('&');
}

/** A URL without user and password and with its query redacted. */
export function redactUrl(url: string, keys: readonly string[]): string {
  return url
    .replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, `$1${REDACTED}:${REDACTED}@`)
    .replace(/\?([^#]*)/, (_all, query) => `?${redactQuery(query, keys)}`);
}

/**
 * The query of a map from names to a value or a list of values, in the map's order. `isEncoded`: the map holds the client's own
 * encoding (load balancers); otherwise names and values are encoded, which may spell them differently than the client did.
 */
export function queryOf(parameters: Loose, isEncoded: boolean): string {
  const spell = (value: string) =>
    isEncoded ? value : encodeURIComponent(value.slice(0, MAX_QUERY_CHARS).toWellFormed());
  let query = '';
  for (const name in isObject(parameters) ? parameters : {}) {
    const values: unknown = parameters?.[name];
    for (const value of Array.isArray(values) ? values.slice(0, MAX_VALUES) : [values]) {
      if (query.length > MAX_QUERY_CHARS) return query;
      if (typeof value === 'string') query += `${query && '&'}${spell(name)}=${spell(value)}`;
    }
  }
  return query;
}
