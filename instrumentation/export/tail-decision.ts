// Whether OTLP gets an invocation that the sampler does not want: one pure decision over what its end shows. docs/delivery.md has it
// as a table.

import type { KeepReason, KeepRules } from '../keep-rules.ts';

export type EndFacts = {
  /** The status of one of its own spans is an error: `SERVER`, `Invocation`, or the processing of its messages. */
  readonly isFailed: boolean;
  /** It came so near to its deadline that it was told of before its end. */
  readonly isLate: boolean;
  /** From its arrival to its answer, without the init. */
  readonly tookMs: number;
  /** It has waited for an init. */
  readonly isColdStart: boolean;
};

/** The first reason there is; undefined: nobody wants it. */
export function decideTail(rules: KeepRules, facts: EndFacts): KeepReason | undefined {
  if (rules.errors && facts.isFailed) return 'errors';
  if (rules.errors && facts.isLate) return 'deadline';
  if (rules.slowMs !== undefined && facts.tookMs >= rules.slowMs) return 'slow';
  return rules.cold && facts.isColdStart ? 'cold' : undefined;
}
