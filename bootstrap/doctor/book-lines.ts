// The books of each account in a line: what was begun, and what became of it.

import type { SpanAccount } from '../../instrumentation/span-account.ts';
import type { Line } from './report-text.ts';

export function bookLines(accounts: readonly SpanAccount[]): Line[] {
  return accounts.map((account) => {
    const { dropped, resent } = account.losses;
    const reasons = Object.entries(dropped).map(([reason, spans]) => `${reason} ${spans}`);
    const { begun } = account.count;
    return [
      account.name,
      `${begun} begun, ${account.sent} sent, ${reasons.length === 0 ? 'none' : reasons.join(', ')} dropped, ` +
        `${resent} resent, ${account.outstanding} waiting`,
    ];
  });
}

/** All spans that were dropped, or are perhaps there twice. */
export function countLosses(accounts: readonly SpanAccount[]): number {
  let losses = 0;
  for (const { losses: own } of accounts) {
    losses += own.resent;
    for (const spans of Object.values(own.dropped)) losses += spans;
  }
  return losses;
}
