// Makes the X-Ray trace header that Lambda hands to a runtime. Parsing is the runtime's own business.

import { randomBytes } from 'node:crypto';

export type TracingMode = 'active' | 'passthrough' | 'off';

/** `Root=1-<epoch hex>-<24 hex>;Parent=<16 hex>;Sampled=1;Lineage=…`; undefined when tracing is off. */
export function makeTraceHeader(mode: TracingMode): string | undefined {
  if (mode === 'off') return undefined;
  const epoch = Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(8, '0');
  const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
  const sampled = mode === 'active' ? '1' : '0';
  return `Root=1-${epoch}-${hex(12)};Parent=${hex(8)};Sampled=${sampled};Lineage=1:${hex(4)}:0`;
}
