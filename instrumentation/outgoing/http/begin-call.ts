// How the followers of each library hand over a request they have noticed. A type only.

import type { CallScope } from '../call-scope.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import type { RequestFacts } from './request-facts.ts';

/** Takes a request before it is sent: writes the trace's headers, and gives the call to follow; undefined: nothing is to be. */
export type BeginCall = (
  facts: RequestFacts,
  scope: CallScope,
  options?: {
    /** Only hand the trace on. */
    readonly isSpanless?: boolean;
  },
) => OutgoingCall | undefined;
