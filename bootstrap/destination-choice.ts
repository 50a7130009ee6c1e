// Which destinations the settings ask for, when it is known which of them there can be.

import type { OtlpEndpoint } from './otlp-endpoint.ts';
import type { Settings } from './settings/settings.ts';

export type DestinationName = 'xray' | 'console' | 'otlp-stdout' | 'otlp';

/** Names beside those of destinations mean nothing here. `hasXray`: there is a daemon, and X-Ray is wanted. */
export function chooseDestinations(
  { exporters }: Pick<Settings, 'exporters'>,
  endpoint: OtlpEndpoint | undefined,
  hasXray: boolean,
): ReadonlySet<string> {
  const wanted = new Set<string>(exporters ?? (endpoint === undefined ? ['xray'] : ['xray', 'otlp']));
  if (!hasXray) wanted.delete('xray');
  if (endpoint === undefined) wanted.delete('otlp');
  return wanted;
}
