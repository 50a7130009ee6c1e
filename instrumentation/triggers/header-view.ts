// One lower-cased view of an event's HTTP headers, whatever their case and form: single values, lists, CloudFront's `{key, value}`.

import { contextText, spelt } from './carriers.ts';
import { isObject, type Loose } from './event-fields.ts';
import type { Carrier } from './trigger.ts';

const MAX_VALUES = 32;

/** Headers that may be given several times and mean their concatenation; of all others the first counts. */
const joined = ['tracestate', 'baggage', 'x-forwarded-for'];

export type HeaderView = Carrier & {
  /** All values of a header, name in lower case; empty when there is none. */
  all(name: string): string[];
};

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (!Array.isArray(value)) return [];
  const values: string[] = [];
  for (let i = 0; i < value.length && i < MAX_VALUES; i++) {
    const item = (value as Loose[])[i];
    const one: unknown = isObject(item) ? item?.value : item;
    if (typeof one === 'string') values.push(one);
  }
  return values;
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
      for (const name in headers) {
        const value: unknown = headers[name];
        if (value !== null) view.set(name.toLowerCase(), value);
      }
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
    get(name) {
      const values = all(name);
      return contextText(values.length > 1 && joined.includes(name) ? values.join(',') : values[0]);
    },
  };
}
