// Links from the processing of messages to the contexts in which they were sent.

import type { Link } from '@opentelemetry/api';
import { type ContextRules, readContext } from './parent.ts';
import type { Carrier, Trigger } from './triggers/trigger.ts';

export function linksOf(trigger: Trigger, rules: ContextRules): Link[] {
  const links: Link[] = [];
  for (const { carrier, attributes } of trigger.linkCarriers) {
    const context = readContext(carrier, rules);
    if (context !== undefined) links.push({ context, attributes });
  }
  return links;
}

/** The carrier of the only message of an event; undefined when there are several, or it carries nothing. */
export function onlyMessage({ consumer, linkCarriers }: Trigger): Carrier | undefined {
  const [link] = linkCarriers;
  const isAlone = linkCarriers.length < 2 && consumer?.attributes['messaging.batch.message_count'] === 1;
  return isAlone ? link?.carrier : undefined;
}
