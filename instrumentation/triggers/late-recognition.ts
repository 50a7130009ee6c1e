// Recognition for the start bundle, which has none of the rows: they are loaded at the first event that is more than a plain payload.
// A function that is only invoked directly never pays for them.

import { spelt } from './carriers.ts';
import type { Loose } from './event-fields.ts';
import { mayBeKnown } from './known-fields.ts';
import type { Recogniser } from './recogniser.ts';
import { defaultTriggerOptions, type Trigger } from './trigger.ts';

/** Says what the recogniser that `load` gives says. */
export function createLateRecogniser(load: () => Recogniser): Recogniser {
  let recognise: Recogniser | undefined;
  return (event, options = defaultTriggerOptions, delivery = {}) => {
    if (recognise === undefined && !delivery.clientContextJson && isPlain(event, options.contextKeys)) return plain();
    recognise ??= load();
    return recognise(event, options, delivery);
  };
}

/** No row knows it, and nobody's context is in it. */
function isPlain(event: unknown, contextKeys: readonly string[]): boolean {
  try {
    const fields = event as Loose;
    if (typeof event !== 'object' || event === null) return true;
    if (mayBeKnown(fields) || fields?.headers !== undefined || spelt(fields, 'baggage') !== undefined) return false;
    return contextKeys.every((key) => spelt(fields, key) === undefined);
  } catch {
    return false;
  }
}

const plain = (): Trigger => ({
  source: 'direct',
  faasTrigger: 'other',
  spanName: undefined,
  attributes: {},
  consumer: undefined,
  carrier: undefined,
  linkCarriers: [],
  sentEpochMs: undefined,
  resultRule: undefined,
});
