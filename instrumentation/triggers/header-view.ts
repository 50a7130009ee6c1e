// One lower-cased view of an event's HTTP headers, whatever their case and form: single values, lists, CloudFront's `{key, value}`.

import type { Attributes } from '@opentelemetry/api';
import { contextText, spelt } from './carriers.ts';
import { isObject, type Loose } from './event-fields.ts';
import type { Carrier } from './trigger.ts';

const MAX_VALUES = 32;

export type HeaderView = Carrier & {
  /** All values of a header, name in lower case; empty when there is none. */
  all(name: string): string[];
  /** Attributes of the wanted headers, lists as the convention wants them: `http.request.header.<name>`. */
  captured(direction: 'request' | 'response', names: readonly string[]): Attributes;
};

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return (Array.isArray(value) ? value.slice(0, MAX_VALUES) : [value])
    .map((item) => (isObject(item) ? item.value : typeof item === 'number' ? String(item) : item))
    .filter((item) => typeof item === 'string');
}

/**
 * The view over `single` and `multi`, where `multi` wins. It is built at the first question. Without `mayEnumerate` (a map that
 * may be huge) headers are found only in their usual spellings.
 */
export function headerView(single: Loose, multi: Loose, mayEnumerate: boolean): HeaderView {
  let lowered: Map<string, unknown> | undefined;

  function lower(): Map<string, unknown> {
    const view = new Map<string, unknown>();
    for (const headers of [single, multi]) {
      if (!isObject(headers)) continue;
      for (const name in headers) if (headers[name] !== null) view.set(name.toLowerCase(), headers[name]);
    }
    return view;
  }

  function all(name: string): string[] {
    if (!mayEnumerate) return valuesOf(spelt(multi, name) ?? spelt(single, name));
    lowered ??= lower();
    return valuesOf(lowered.get(name));
  }

  return {
    all,
    captured(direction, names) {
      const attributes: Attributes = {};
      for (const name of names) {
        const values = all(name);
        if (values.length > 0) attributes[`http.${direction}.header.${name}`] = values;
      }
      return attributes;
    },
    // These may be given several times and mean their concatenation; of all others the first counts.
    get: (name) => contextText(name === 'tracestate' || name === 'baggage' ? all(name).join() : all(name)[0]),
  };
}
