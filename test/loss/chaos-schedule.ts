// A random life of an environment, made of a seed: which faults come when, and what the function does meanwhile. The same seed gives
// the same life.

import type { WireFault } from '../../local/fault-proxy.ts';
import type { End } from './fault-matrix.ts';

export type ChaosStep =
  | { readonly do: 'fault'; readonly fault: WireFault }
  | { readonly do: 'daemon'; readonly isThere: boolean }
  | { readonly do: 'invoke'; readonly end: End }
  | { readonly do: 'freeze'; readonly isLong: boolean }
  | { readonly do: 'shutdown' };

export type ChaosLife = {
  readonly variables: Readonly<Record<string, string>>;
  readonly steps: readonly ChaosStep[];
};

const STEPS = 40;

/** Numbers from 0 to 1, by the seed alone (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function chaosLife(seed: number): ChaosLife {
  const random = randomOf(seed);
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const one = <T>(...values: readonly T[]): T => values[between(0, values.length - 1)]!;
  const weighted = <T>(...choices: readonly (readonly [weight: number, value: () => T])[]): T => {
    let at = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of choices) {
      at -= weight;
      if (at < 0) return value();
    }
    return choices[0]![1]();
  };

  const fault = (): WireFault =>
    weighted<WireFault>(
      [4, () => ({ kind: 'none' })],
      [2, () => ({ kind: 'down' })],
      [2, () => ({ kind: 'slow', delayMs: between(5, 400) })],
      [1, () => ({ kind: 'throttle', bytesPerSecond: between(2000, 50_000) })],
      [2, () => ({ kind: 'hanging' })],
      [2, () => ({ kind: 'answer', status: 429, headers: { 'retry-after': one('0', '1', '30') } })],
      [3, () => ({ kind: 'answer', status: one(400, 413, 500, 502, 503, 504) })],
      [2, () => ({ kind: 'half answer', bytes: between(0, 120) })],
      [2, () => ({ kind: 'reset', isForwarded: one(true, false) })],
    );
  const step = (): ChaosStep =>
    weighted<ChaosStep>(
      [8, () => ({ do: 'fault', fault: fault() })],
      [2, () => ({ do: 'daemon', isThere: one(true, false) })],
      [14, () => ({ do: 'invoke', end: 'normal' })],
      [2, () => ({ do: 'invoke', end: one<End>('throw', 'exit', 'timeout') })],
      [1, () => ({ do: 'invoke', end: 'SIGKILL' })],
      [0.4, () => ({ do: 'invoke', end: 'OOM' })],
      [3, () => ({ do: 'freeze', isLong: one(true, false) })],
      [1, () => ({ do: 'shutdown' })],
    );
  const variables = {
    ...one(
      { SPANSTRAP_FLUSH_MODE: 'async' },
      { SPANSTRAP_FLUSH_MODE: 'sync' },
      { SPANSTRAP_FLUSH_MODE: 'finalize' },
      { SPANSTRAP_FLUSH_STRATEGY: 'adaptive' },
      { SPANSTRAP_FLUSH_STRATEGY: 'continuous,50' },
      { SPANSTRAP_FLUSH_STRATEGY: 'periodic,50' },
      { SPANSTRAP_FLUSH_STRATEGY: 'end,50' },
    ),
    OTEL_EXPORTER_OTLP_TIMEOUT: String(between(80, 700)),
    OTEL_EXPORTER_OTLP_PROTOCOL: one('http/protobuf', 'http/json'),
    // What a cold invocation begins must fit: what is dropped behind the last root span stands on none.
    SPANSTRAP_MAX_QUEUED_SPANS: one('20', '40', '2048'),
    SPANSTRAP_OTLP_FALLBACK: one('stdout', 'none'),
    SPANSTRAP_MAX_EXPORT_SPANS: one('5', '1000'),
  };
  return { variables, steps: Array.from({ length: STEPS }, step) };
}
