// Says what triggered an invocation, from nothing but its event. Runs before the handler: bounded in time, never throws, changes nothing.

import { layeredCarrier } from './carriers.ts';
import { clientContextCarrier } from './direct.ts';
import type { Loose } from './event-fields.ts';
import type { Description, Reading } from './row.ts';
import { triggerTable } from './table.ts';
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

function startReading(options: TriggerOptions, delivery: Delivery, isInner: boolean): Reading {
  let budgetChars = options.maxParsedChars;
  return {
    options,
    delivery,
    opened: undefined,
    parse(json) {
      if (typeof json !== 'string' || !json.startsWith('{')) return undefined;
      if (json.length > options.maxBodyChars || json.length > budgetChars) return undefined;
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
    recogniseInner: (event) => (isInner ? undefined : recognise(event as Loose, startReading(options, delivery, true))),
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
  const { attributes = {}, consumer, carrier, linkCarriers = [], spanName, sentEpochMs, resultRule } = description;
  const { receivedEpochMs } = reading.delivery;
  if (faasTrigger !== 'http' && receivedEpochMs && sentEpochMs) {
    (consumer?.attributes ?? attributes)['lambda.event_wait_ms'] = Math.max(0, receivedEpochMs - sentEpochMs);
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
    describeResult(result, isStreamed = false) {
      try {
        if (resultRule) return resultRule(result as Loose, isStreamed, reading.options);
      } catch {
        // A getter of the user's result threw.
      }
      return { attributes: {}, errorType: undefined };
    },
  };
}

function recognise(event: Loose, reading: Reading): Trigger {
  const row = triggerTable.find((candidate) => candidate.matches(event, reading))!;
  const { carrier, faasTrigger = row.faasTrigger, ...description } = row.describe(event, reading);
  // Only a direct invocation has a client context: whatever its event looks like, the caller's context may be there.
  const clientContext = clientContextCarrier(reading);
  const layers = row.source === 'direct' ? [clientContext, carrier] : [carrier, clientContext];
  return triggerOf(row.source, faasTrigger, { ...description, carrier: layeredCarrier(...layers) }, reading);
}

/**
 * Recognises the source of an event: any value, JSON or not. It never throws and never changes the event; an event that resists
 * reading is `unknown`, one that is like no other is `direct`.
 */
export function recogniseTrigger(
  event: unknown,
  options: TriggerOptions = defaultTriggerOptions,
  delivery: Delivery = {},
): Trigger {
  const reading = startReading(options, delivery, false);
  try {
    return recognise(event as Loose, reading);
  } catch {
    return triggerOf('unknown', 'other', {}, reading);
  }
}
