// A caller's W3C baggage in the active context. Outgoing calls hand its text on as it came; it is parsed, by OpenTelemetry's own
// propagator, only when user code asks what is in it. Source: W3C Baggage, section 3.

import type { Baggage, BaggageEntry, Context, TextMapPropagator } from '@opentelemetry/api';
import { ROOT_CONTEXT } from './active-context.ts';

/** The key under which every copy of `@opentelemetry/api` 1.x keeps the baggage. */
const BAGGAGE_KEY = Symbol.for('OpenTelemetry Baggage Key');

const MAX_CHARS = 8192;
const HEADER_TEXT = /^[\t -~]+$/;

/** `context` with the baggage in it, if `text` can be that. `parse` is called at the first question. */
export function withBaggage(
  context: Context,
  text: string | undefined,
  parse: (text: string) => Baggage | undefined,
): Context {
  if (text === undefined || text.length > MAX_CHARS || !HEADER_TEXT.test(text)) return context;
  return context.setValue(BAGGAGE_KEY, new ReceivedBaggage(text, parse));
}

/** What OpenTelemetry's propagator reads; undefined when that cannot be loaded. */
export function parseBaggage(text: string, loadPropagator: () => TextMapPropagator): Baggage | undefined {
  try {
    const getter = {
      get: (_carrier: unknown, name: string) => (name === 'baggage' ? text : undefined),
      keys: () => [],
    };
    return loadPropagator().extract(ROOT_CONTEXT, undefined, getter).getValue(BAGGAGE_KEY) as Baggage | undefined;
  } catch {
    return undefined;
  }
}

class ReceivedBaggage implements Baggage {
  /** What propagation.ts looks for, whichever bundle it is in. */
  readonly receivedText: string;
  readonly #parse: (text: string) => Baggage | undefined;
  #parsed: Baggage | undefined;

  constructor(text: string, parse: (text: string) => Baggage | undefined) {
    this.receivedText = text;
    this.#parse = parse;
  }

  getEntry(key: string): BaggageEntry | undefined {
    return this.#entries()?.getEntry(key);
  }

  getAllEntries(): [string, BaggageEntry][] {
    return this.#entries()?.getAllEntries() ?? [];
  }

  setEntry(key: string, entry: BaggageEntry): Baggage {
    return this.#entries()?.setEntry(key, entry) ?? this;
  }

  removeEntry(key: string): Baggage {
    return this.#entries()?.removeEntry(key) ?? this;
  }

  removeEntries(...keys: string[]): Baggage {
    return this.#entries()?.removeEntries(...keys) ?? this;
  }

  clear(): Baggage {
    return this.#entries()?.clear() ?? this;
  }

  #entries(): Baggage | undefined {
    this.#parsed ??= this.#parse(this.receivedText);
    return this.#parsed;
  }
}
