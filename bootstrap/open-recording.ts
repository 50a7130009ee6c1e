// Entry of the bundle `recording`: what finds out what invocations are, with its settings. Loaded when the first invocation is looked
// into, most often after its response.

import { parseBaggage } from '../instrumentation/baggage.ts';
import { handOn } from '../instrumentation/outgoing/propagation.ts';
import { clientRequestCarrier, undiciCarrier } from '../instrumentation/outgoing/request-headers.ts';
import type { XrayParentRule } from '../instrumentation/parent.ts';
import { liveErrors } from '../instrumentation/recorded-span.ts';
import { Recording } from '../instrumentation/recording.ts';
import { createResource } from '../instrumentation/resource.ts';
import type { RecordingSurroundings } from '../instrumentation/tracing.ts';
import type { ExportContext } from './export-context.ts';
import type { Host } from './host.ts';
import { chooseInvocations } from './invocation-options.ts';
import { readResourceFacts } from './resource-facts.ts';

/** How calls of invocations that are not recorded hand their trace on. */
export const propagation = { handOn, clientRequestCarrier, undiciCarrier };

/** The error that an `exception` event was made of. */
export const liveErrorOf = (event: object): unknown => liveErrors.get(event as never);

export function openRecording(
  context: Pick<ExportContext, 'settings' | 'env'>,
  host: Host,
  xrayParent: XrayParentRule,
  surroundings: Omit<RecordingSurroundings, 'parseBaggage'>,
): Recording {
  return new Recording({
    ...surroundings,
    keep: context.settings.keepRules,
    ...chooseInvocations(context.settings, context.env.AWS_REGION, host, xrayParent),
    resource: createResource(readResourceFacts(context)),
    parseBaggage: (text) => parseBaggage(text, () => surroundings.loadPropagator()),
  });
}
