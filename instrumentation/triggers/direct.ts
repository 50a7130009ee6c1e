// Invocations without a service in between, and the pings that only keep a function warm.

import { layeredCarrier } from './carriers.ts';
import { payloadCarrier } from './envelope.ts';
import { isObject, type Loose } from './event-fields.ts';
import { shape } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import { type Reading, row } from './row.ts';
import type { Carrier } from './trigger.ts';

/** Context under `custom` (or `Custom`, as some SDK instrumentation spells it) of the client context; parsed at the first look-up. */
export function clientContextCarrier(reading: Reading): Carrier | undefined {
  const json = reading.delivery.clientContextJson;
  if (!json) return undefined;
  let custom: Carrier | undefined;
  let isParsed = false;
  return {
    get(name) {
      if (!isParsed) {
        isParsed = true;
        const context = reading.parse(json);
        custom = payloadCarrier(context?.custom ?? context?.Custom, reading);
      }
      return custom?.get(name);
    },
  };
}

const isServerlessPlugin = shape('source=serverless-plugin-warmup');
const isWarmer = shape('warmer=true');

export const warmUp = row('warm-up', 'other', (event) => isServerlessPlugin(event) || isWarmer(event));

/** The last row: it matches everything. */
export const direct = row(
  'direct',
  'other',
  () => true,
  (event: Loose, reading) => ({
    carrier: layeredCarrier(
      isObject(event?.headers)
        ? new HeaderView(event?.headers, undefined, reading.mayEnumerate(event?.body))
        : undefined,
      payloadCarrier(event, reading),
    ),
  }),
);
