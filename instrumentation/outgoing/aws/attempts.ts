// Makes one span of all tries of an SDK call. A failed try ends its span as if it had been the last one; should another follow,
// the span is taken back and goes on. So nothing has to wait for a retry that may never come.

import type { CallScope, CallSpan } from '../call-scope.ts';
import type { Attempt } from '../http/request-facts.ts';

/** A call that is given up without us noticing stays here until this many others have failed. */
const MAX_OPEN_CALLS = 256;

type OpenCall = { readonly span: CallSpan; readonly scope: CallScope };

class Attempts {
  readonly #open = new Map<string, OpenCall>();

  /** The span of the call's former tries, going on; undefined when there is none, or it has left already. */
  resume(attempt: Attempt | undefined): CallSpan | undefined {
    if (attempt === undefined) return undefined;
    const former = this.#open.get(attempt.callId);
    if (former === undefined) return undefined;
    this.#open.delete(attempt.callId);
    return former.scope.resumeCall(former.span) ? former.span : undefined;
  }

  /** A try has failed, and the SDK may try again. */
  await(attempt: Attempt, call: OpenCall): void {
    if (this.#open.size >= MAX_OPEN_CALLS) this.#open.delete(this.#open.keys().next().value!);
    this.#open.set(attempt.callId, call);
  }
}

export const attempts = new Attempts();
