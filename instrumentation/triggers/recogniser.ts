// Says what triggered an invocation, from nothing but its event. Runs before the handler: bounded in time, never throws, changes nothing.

import { layeredCarrier } from './carriers.ts';
import { clientContextCarrier } from './direct.ts';
import type { Loose } from './event-fields.ts';
import { EventReading } from './event-reading.ts';
import type { Description, Reading, Row } from './row.ts';
import { findRow } from './table.ts';
import {
  type Carrier,
  type Delivery,
  defaultTriggerOptions,
  type FaasTrigger,
  type LinkCarrier,
  type Trigger,
  type TriggerOptions,
} from './trigger.ts';

const NO_LINKS: readonly LinkCarrier[] = [];

export type Recogniser = (event: unknown, options?: TriggerOptions, delivery?: Delivery) => Trigger;

/** Live objects may throw when they are read; then the header is not there. */
class GuardedCarrier implements Carrier {
  readonly #carrier: Carrier;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  get(name: string): string | undefined {
    try {
      return this.#carrier.get(name);
    } catch {
      return undefined;
    }
  }
}

const guardedLink = (link: LinkCarrier): LinkCarrier => ({ ...link, carrier: new GuardedCarrier(link.carrier) });

function triggerOf(
  source: string,
  faasTrigger: FaasTrigger,
  description: Description,
  carrier: Carrier | undefined,
  reading: Reading,
): Trigger {
  const { attributes = {}, consumer, linkCarriers = NO_LINKS, spanName, sentEpochMs, resultRule, later } = description;
  const { receivedEpochMs } = reading.delivery;
  if (faasTrigger !== 'http' && receivedEpochMs && sentEpochMs) {
    (consumer?.attributes ?? attributes)['lambda.event_wait_ms'] = Math.max(
      0,
      Math.round(receivedEpochMs - sentEpochMs),
    );
  }
  return {
    source,
    faasTrigger,
    spanName,
    attributes,
    consumer,
    carrier: carrier && new GuardedCarrier(carrier),
    linkCarriers: linkCarriers.length === 0 ? linkCarriers : linkCarriers.map(guardedLink),
    sentEpochMs,
    resultRule,
    later: later && (() => laterTriggerOf(source, faasTrigger, later, reading)),
  };
}

function laterTriggerOf(
  source: string,
  faasTrigger: FaasTrigger,
  later: () => Description,
  reading: Reading,
): Trigger | undefined {
  try {
    const description = later();
    return triggerOf(source, faasTrigger, description, description.carrier, reading);
  } catch {
    return undefined;
  }
}

/** A recogniser that asks for the rare rows when an event that is none of the frequent ones may be one of theirs. */
export function createRecogniser(loadRareRows: () => readonly Row[]): Recogniser {
  function recognise(event: Loose, reading: Reading): Trigger {
    const row = findRow(event, reading, loadRareRows);
    const description = row.describe(event, reading);
    // Only a direct invocation has a client context: whatever its event looks like, the caller's context may be there.
    const clientContext = clientContextCarrier(reading);
    const { carrier: inEvent, faasTrigger = row.faasTrigger } = description;
    const carrier =
      row.source === 'direct' ? layeredCarrier(clientContext, inEvent) : layeredCarrier(inEvent, clientContext);
    return triggerOf(row.source, faasTrigger, description, carrier, reading);
  }

  return (event, options = defaultTriggerOptions, delivery = {}) => {
    const reading = new EventReading(options, delivery, recognise);
    try {
      return recognise(event as Loose, reading);
    } catch {
      return triggerOf('unknown', 'other', {}, undefined, reading);
    }
  };
}
