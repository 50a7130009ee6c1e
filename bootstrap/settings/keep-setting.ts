// The rules of what OTLP gets although the sampler does not want it. Part of the start's table: an invocation is written down by
// them before its handler runs.

import type { KeepRules } from '../../instrumentation/keep-rules.ts';
import type { Setting } from './setting-kinds.ts';

const SLOW_MS = 1000;
const LONGEST_MS = 900_000;

type Rules = { -readonly [Name in keyof KeepRules]: KeepRules[Name] };

/** `errors,cold,slow`; `slow` may have a time of its own, with its unit. */
export const keepSetting: Setting<KeepRules | undefined> = {
  env: ['SPANSTRAP_OTLP_KEEP', 'LAMBDA_OTEL_EXPORTER_KEEP'],
  default: undefined,
  expected:
    'a comma separated list of errors, cold and slow, where slow may have a time with a unit: slow=1500ms, slow=2s',
  parse(value) {
    const rules: Rules = { errors: false, cold: false, slowMs: undefined };
    for (const item of value.toLowerCase().split(',')) {
      const [, name, digits, unit] = /^\s*(errors|cold|slow)(?:\s*=\s*([\d.]+)\s*(ms|s))?\s*$/.exec(item) ?? [];
      if (name === 'slow') {
        const ms = digits === undefined ? SLOW_MS : Number(digits) * (unit === 's' ? 1000 : 1);
        if (!(ms >= 1 && ms <= LONGEST_MS)) return undefined;
        rules.slowMs = ms;
      } else if (name === undefined || digits !== undefined) return undefined;
      else rules[name as 'errors' | 'cold'] = true;
    }
    return rules;
  },
};
