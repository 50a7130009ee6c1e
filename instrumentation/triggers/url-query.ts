// Query strings as attributes: put together from an event's maps, bounded, and without the secrets that URLs carry.

import { isObject, type Loose, list } from './event-fields.ts';

const MAX_QUERY_CHARS = 4096;
const REDACTED = 'REDACTED';

function decodedKey(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** A raw query (no `?`) with the values of `keys` replaced; the keys stay. Cut at 4096 units. */
export function redactQuery(query: string, keys: readonly string[]): string {
  const parts = query.slice(0, MAX_QUERY_CHARS).split('&');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const end = part.indexOf('=');
    if (end > 0 && keys.includes(decodedKey(part.slice(0, end)))) parts[i] = `${part.slice(0, end)}=${REDACTED}`;
  }
  return parts.join('&');
}

/** A URL without user and password and with its query redacted. */
export function redactUrl(url: string, keys: readonly string[]): string {
  const bare = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, `$1${REDACTED}:${REDACTED}@`);
  const query = bare.indexOf('?');
  if (query < 0) return bare;
  const fragment = bare.indexOf('#', query);
  const end = fragment < 0 ? bare.length : fragment;
  return bare.slice(0, query + 1) + redactQuery(bare.slice(query + 1, end), keys) + bare.slice(end);
}

function encode(value: string): string {
  return encodeURIComponent(value.slice(0, MAX_QUERY_CHARS).toWellFormed());
}

/**
 * The query of a map from names to a value or a list of values, in the map's order. `isEncoded`: the map holds the client's own
 * encoding (load balancers); otherwise names and values are encoded, which may spell them differently than the client did.
 */
export function queryOf(parameters: Loose, isEncoded: boolean): string {
  if (!isObject(parameters)) return '';
  const spell = isEncoded ? (value: string) => value : encode;
  let query = '';
  for (const name in parameters) {
    const value = parameters[name];
    for (const one of (Array.isArray(value) ? list(value) : [value]) as unknown[]) {
      if (typeof one !== 'string') continue;
      query += `${query === '' ? '' : '&'}${spell(name)}=${spell(one)}`;
      if (query.length > MAX_QUERY_CHARS) return query;
    }
  }
  return query;
}
