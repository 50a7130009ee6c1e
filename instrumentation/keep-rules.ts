// What OTLP gets although the sampler does not want it (`SPANSTRAP_OTLP_KEEP`). The rules are applied in export/tail-decision.ts.

export type KeepRules = {
  /** Invocations that fail, that run out of time, or whose process dies. */
  readonly errors: boolean;
  /** Invocations that have waited for an init. */
  readonly cold: boolean;
  /** Invocations that take this long or longer; undefined: none. */
  readonly slowMs: number | undefined;
};

/** Why one was kept, as it stands in `spanstrap.kept_because`. `deadline`: its time was nearly up, under the rule of errors. */
export type KeepReason = 'errors' | 'deadline' | 'slow' | 'cold';

/** On the SERVER span, or on the root of a failed init: the reason. */
export const KEPT_BECAUSE = 'spanstrap.kept_because';
