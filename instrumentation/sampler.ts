// The decision for OpenTelemetry backends (`OTEL_TRACES_SAMPLER`). X-Ray's own decision is the header's and not made here:
// with the default tracing mode every header says "not sampled", the most common reason why users see no spans.

export interface Sampler {
  /** The decisions of the parent and of Lambda's X-Ray header, undefined where there is none. */
  isSampled(traceId: string, isParentSampled: boolean | undefined, isXraySampled: boolean | undefined): boolean;
}

export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio'
  /** X-Ray's decision for all: its rules were applied before Lambda made the header. */
  | 'xray';

/** `ratio` is 0 to 1 and matters to the ratio samplers only. */
export function createSampler(name: SamplerName, ratio: number): Sampler {
  if (name === 'xray') return { isSampled: (_traceId, _isParentSampled, isXraySampled) => isXraySampled === true };
  const root = name.replace('parentbased_', '');
  const decideRoot =
    root === 'traceidratio'
      ? (traceId: string): boolean => isBelowRatio(traceId, ratio)
      : (): boolean => root === 'always_on';
  if (root === name) return { isSampled: decideRoot };
  return { isSampled: (traceId, isParentSampled) => isParentSampled ?? decideRoot(traceId) };
}

/** As OpenTelemetry's `TraceIdRatioBasedSampler`, so that services that see the same trace decide alike. */
function isBelowRatio(traceId: string, ratio: number): boolean {
  let accumulation = 0;
  for (let at = 0; at < 32; at += 8) {
    accumulation = (accumulation ^ Number.parseInt(traceId.slice(at, at + 8), 16)) >>> 0;
  }
  return accumulation < (ratio >= 1 ? 0x1_0000_0000 : Math.floor(ratio * 0xffff_ffff));
}
