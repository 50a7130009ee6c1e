// Says what triggered an invocation, from nothing but its event. Runs before the handler: bounded in time, never throws, changes nothing.

import { layeredCarrier } from './carriers.ts';
import { clientContextCarrier } from './direct.ts';
import type { Loose } from './event-fields.ts';
import type { Description, Reading, Row } from './row.ts';
import { findRow } from './table.ts';
import {
  type Carrier,
  type Delivery,
  defaultTriggerOptions,
  type FaasTrigger,
  type Trigger,
  type TriggerOptions,
} from './trigger.ts';

/**
 * Maps are listed when everything beside the body is not larger than this. Listing 150 000 names takes 21 ms, those that fit in here
 * 0.5 ms; beyond, headers are still found in their usual spellings.
 */
const MAX_LISTED_BYTES = 128 * 1024;

export type Recogniser = (event: unknown, options?: TriggerOptions, delivery?: Delivery) => Trigger;

function startReading(options: TriggerOptions, delivery: Delivery, recogniseInner: Reading['recogniseInner']): Reading {
  let budgetChars = options.maxParsedChars;
  const canParse = (chars: number) => chars <= options.maxBodyChars && chars <= budgetChars;
  return {
    options,
    delivery,
    recogniseInner,
    opened: undefined,
    canParse,
    parse(json) {
      if (typeof json !== 'string' || !json.startsWith('{') || !canParse(json.length)) return undefined;
      budgetChars -= json.length;
      try {
        return JSON.parse(json);
      } catch {
        return undefined;
      }
    },
    mayEnumerate(body) {
      const bodyChars = typeof body === 'string' ? body.length : 0;
      return !((delivery.eventBytes ?? 0) - bodyChars > MAX_LISTED_BYTES);
    },
  };
}

/** Live objects may throw when they are read; then the header is not there. */
function guarded(carrier: Carrier): Carrier {
  return {
    get(name) {
      try {
        return carrier.get(name);
      } catch {
        return undefined;
      }
    },
  };
}

function triggerOf(source: string, faasTrigger: FaasTrigger, description: Description, reading: Reading): Trigger {
  const {
    attributes = {},
    consumer,
    carrier,
    linkCarriers = [],
    spanName,
    sentEpochMs,
    resultRule,
    later,
  } = description;
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
    carrier: carrier && guarded(carrier),
    linkCarriers: linkCarriers.map((link) => ({ ...link, carrier: guarded(link.carrier) })),
    sentEpochMs,
    resultRule,
    later:
      later &&
      (() => {
        try {
          return triggerOf(source, faasTrigger, later(), reading);
        } catch {
          return undefined;
        }
      }),
  };
}

/** A recogniser that asks for the rare rows when an event that is none of the frequent ones may be one of theirs. */
export function createRecogniser(loadRareRows: () => readonly Row[]): Recogniser {
  function recognise(event: Loose, reading: Reading): Trigger {
    const row = findRow(event, (candidate) => candidate.matches(event, reading), loadRareRows);
    const { carrier, faasTrigger = row.faasTrigger, ...description } = row.describe(event, reading);
    // Only a direct invocation has a client context: whatever its event looks like, the caller's context may be there.
    const clientContext = clientContextCarrier(reading);
    const layers = row.source === 'direct' ? [clientContext, carrier] : [carrier, clientContext];
    return triggerOf(row.source, faasTrigger, { ...description, carrier: layeredCarrier(...layers) }, reading);
  }

  return (event, options = defaultTriggerOptions, delivery = {}) => {
    // An event inside an event is read with a budget of its own, and one inside that not at all.
    const reading = startReading(options, delivery, (inner) =>
      recognise(
        inner as Loose,
        startReading(options, {}, () => undefined),
      ),
    );
    try {
      return recognise(event as Loose, reading);
    } catch {
      return triggerOf('unknown', 'other', {}, reading);
    }
  };
}
