// When spans leave, and how much may wait meanwhile. Read when the first spans leave; the mode stands in settings-table.ts, because
// it is needed before.

import { choice, duration, number, type Setting, withDefault } from './setting-kinds.ts';

const LONGEST_MS = 900_000;

type Strategy = {
  readonly name: 'end' | 'periodic' | 'continuous' | 'adaptive' | 'interval';
  /** The strategy's own, which wins over the general one. */
  readonly intervalMs?: number;
};

const STRATEGIES: Readonly<Record<string, Strategy['name']>> = {
  end: 'end',
  invocation: 'end',
  periodic: 'periodic',
  periodically: 'periodic',
  continuous: 'continuous',
  continuously: 'continuous',
  adaptive: 'adaptive',
  default: 'adaptive',
};

/** A name, or a name and milliseconds as the Datadog extension has them: `end,5000` is the end of an invocation when 5 s have passed. */
const strategy: Setting<Strategy> = {
  env: ['SPANSTRAP_FLUSH_STRATEGY', 'LAMBDA_OTEL_FLUSH_STRATEGY', 'DD_SERVERLESS_FLUSH_STRATEGY'],
  default: { name: 'end' },
  expected: 'end, periodic, continuous or adaptive; the first three with milliseconds after a comma if need be',
  parse(value) {
    const [, word = '', digits] = /^([a-z]+)(?:\s*,\s*(\d+))?$/.exec(value.toLowerCase()) ?? [];
    const name = Object.hasOwn(STRATEGIES, word) ? STRATEGIES[word]! : undefined;
    if (name === undefined || digits === undefined) return name && { name };
    const intervalMs = Number(digits);
    if (name === 'adaptive' || intervalMs < 1 || intervalMs > LONGEST_MS) return undefined;
    return { name: name === 'end' ? 'interval' : name, intervalMs };
  },
};

export const flushSettings = {
  flushStrategy: strategy,
  flushIntervalMs: duration(
    ['SPANSTRAP_FLUSH_INTERVAL', 'LAMBDA_OTEL_FLUSH_INTERVAL', 'OTEL_BSP_SCHEDULE_DELAY'],
    LONGEST_MS,
  ),
  batchSize: withDefault(20, number(['SPANSTRAP_BATCH_SIZE'], 1, 100_000)),
  batchJitter: withDefault(5, number(['SPANSTRAP_BATCH_JITTER'], 0, 100_000)),
  memoryPercent: withDefault(5, number(['SPANSTRAP_MEMORY_PERCENT'], 0.1, 50)),
  deadlineMarginMs: duration(['SPANSTRAP_DEADLINE_MARGIN', 'LUMIGO_TIMEOUT_BUFFER_MS'], LONGEST_MS),
  watchdog: withDefault('auto', choice(['SPANSTRAP_WATCHDOG'], ['auto', 'on', 'off'])),
};
