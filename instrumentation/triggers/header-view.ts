// One lower-cased view of an event's HTTP headers, whatever their case and form: single values, lists, CloudFront's `{key, value}`.

import type { Attributes } from '@opentelemetry/api';
import { contextText, spelt } from './carriers.ts';
import { isObject, type Loose } from './event-fields.ts';
import type { Carrier } from './trigger.ts';

const MAX_VALUES = 32;

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return (Array.isArray(value) ? value.slice(0, MAX_VALUES) : [value])
    .map((item) => (isObject(item) ? item.value : typeof item === 'number' ? String(item) : item))
    .filter((item) => typeof item === 'string');
}

function addLowered(view: Map<string, unknown>, headers: Loose): void {
  if (!isObject(headers)) return;
  for (const name in headers) {
    const value: unknown = headers[name];
    // An empty list says nothing, and hides nothing.
    if (value !== null && !(Array.isArray(value) && value.length === 0)) view.set(name.toLowerCase(), value);
  }
}

/**
 * The view over `single` and `multi`, where `multi` wins. It is built at the first question. Without `mayEnumerate` (a map that
 * may be huge) headers are found only in their usual spellings.
 */
export class HeaderView implements Carrier {
  readonly #single: Loose;
  readonly #multi: Loose;
  readonly #mayEnumerate: boolean;
  #lowered: Map<string, unknown> | undefined;

  constructor(single: Loose, multi: Loose, mayEnumerate: boolean) {
    this.#single = single;
    this.#multi = multi;
    this.#mayEnumerate = mayEnumerate;
  }

  /** All values of a header, name in lower case; empty when there is none. */
  all(name: string): string[] {
    return valuesOf(this.#find(name));
  }

  /** Of `tracestate` and `baggage`, which may be given several times, all; of all others the first counts. */
  get(name: string): string | undefined {
    const value = this.#find(name);
    if (value === undefined || typeof value === 'string') return contextText(value);
    const values = valuesOf(value);
    return contextText(name === 'tracestate' || name === 'baggage' ? values.join() : values[0]);
  }

  /** Attributes of the wanted headers, lists as the convention wants them: `http.request.header.<name>`. */
  captured(direction: 'request' | 'response', names: readonly string[]): Attributes {
    const attributes: Attributes = {};
    for (const name of names) {
      const values = this.all(name);
      if (values.length > 0) attributes[`http.${direction}.header.${name}`] = values;
    }
    return attributes;
  }

  #find(name: string): unknown {
    if (!this.#mayEnumerate) return spelt(this.#multi, name) ?? spelt(this.#single, name);
    if (this.#lowered === undefined) {
      this.#lowered = new Map();
      addLowered(this.#lowered, this.#single);
      addLowered(this.#lowered, this.#multi);
    }
    return this.#lowered.get(name);
  }
}
