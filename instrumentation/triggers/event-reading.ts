// One reading of one event: what it may take, and what it has found so far. Nothing here knows any source.

import type { Loose } from './event-fields.ts';
import type { Reading } from './row.ts';
import type { Delivery, Trigger, TriggerOptions } from './trigger.ts';

/**
 * Maps are listed when everything beside the body is not larger than this. Listing 150 000 names takes 21 ms, those that fit in here
 * 0.5 ms; beyond, headers are still found in their usual spellings.
 */
const MAX_LISTED_BYTES = 128 * 1024;

export type Recognition = (event: Loose, reading: Reading) => Trigger;

export class EventReading implements Reading {
  readonly options: TriggerOptions;
  readonly delivery: Delivery;
  opened: Reading['opened'];
  readonly #recognise: Recognition | undefined;
  #budgetChars: number;

  /** `recognise`: for events inside this one; undefined: it is such a one itself. */
  constructor(options: TriggerOptions, delivery: Delivery, recognise: Recognition | undefined) {
    this.options = options;
    this.delivery = delivery;
    this.#recognise = recognise;
    this.#budgetChars = options.maxParsedChars;
  }

  canParse(chars: number): boolean {
    return chars <= this.options.maxBodyChars && chars <= this.#budgetChars;
  }

  parse(json: unknown): Loose {
    if (typeof json !== 'string' || !json.startsWith('{') || !this.canParse(json.length)) return undefined;
    this.#budgetChars -= json.length;
    try {
      return JSON.parse(json);
    } catch {
      return undefined;
    }
  }

  mayEnumerate(body?: unknown): boolean {
    const bodyChars = typeof body === 'string' ? body.length : 0;
    return !((this.delivery.eventBytes ?? 0) - bodyChars > MAX_LISTED_BYTES);
  }

  /** With a budget of its own; an event inside that one is not read at all. */
  recogniseInner(event: unknown): Trigger | undefined {
    return this.#recognise?.(event as Loose, new EventReading(this.options, {}, undefined));
  }
}
