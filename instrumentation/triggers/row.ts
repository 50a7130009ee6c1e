// One row of the table of event sources: how a source is told apart, and what is said of its events.

import type { Attributes } from '@opentelemetry/api';
import type { Loose } from './event-fields.ts';
import type { Carrier, Delivery, FaasTrigger, Trigger, TriggerOptions } from './trigger.ts';

/** A message found inside another one's text. */
export type Envelope = {
  readonly kind: 'sns' | 'eventbridge';
  readonly carrier: Carrier | undefined;
  /** For the CONSUMER span and the link: the topic, or source and detail type. */
  readonly attributes: Attributes;
};

/** One reading of one event: the options, and a budget that all its bodies share. */
export interface Reading {
  readonly options: TriggerOptions;
  readonly delivery: Delivery;
  /** The object in a JSON text; undefined when it is none, longer than a body may be, or beyond the event's budget. */
  parse(json: unknown): Loose;
  /** Whether a JSON text of this many UTF-16 units would be parsed. */
  canParse(chars: number): boolean;
  /** Whether the event's maps can be listed in time; `body` is the part that may be large without being a map. */
  mayEnumerate(body?: unknown): boolean;
  /** The envelope opened last, because matching and describing both need the first record's. */
  opened: { readonly body: string; readonly envelope: Envelope | undefined } | undefined;
  /** Recognises an event inside this one; undefined inside an inner event. */
  recogniseInner(event: unknown): Trigger | undefined;
}

/** What a row says of an event; everything it leaves out is undefined or empty in the trigger. */
export type Description = {
  readonly [Field in keyof Omit<Trigger, 'source' | 'later'>]?: Trigger[Field] | undefined;
} & {
  /** The whole description, when this one had to be quick. */
  readonly later?: (() => Description) | undefined;
};

export type Row = {
  readonly source: string;
  readonly faasTrigger: FaasTrigger;
  readonly matches: (event: Loose, reading: Reading) => boolean;
  readonly describe: (event: Loose, reading: Reading) => Description;
};

export function row(
  source: string,
  faasTrigger: FaasTrigger,
  matches: Row['matches'],
  describe: Row['describe'] = () => ({}),
): Row {
  return { source, faasTrigger, matches, describe };
}
