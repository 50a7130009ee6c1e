// Flushing beside invocations that go on: one flush at a time, and another one for what was answered during it.

import type { InvocationObserver } from './lifecycle.ts';
import { wallNow } from './untouched.ts';

/** Nobody waits for these flushes; each export has a time limit of its own. */
const FLUSH_LIMIT_MS = 30_000;

/** Returns the request for a flush: what is recorded so far will be sent, and nobody waits for it. */
export function flushInBackground(observer: Pick<InvocationObserver, 'flush'>): () => void {
  let isFlushing = false;
  let isWanted = false;
  const flush = async (): Promise<void> => {
    isFlushing = true;
    while (isWanted) {
      isWanted = false;
      await observer.flush('invocation', wallNow() + FLUSH_LIMIT_MS);
    }
    isFlushing = false;
  };
  return () => {
    isWanted = true;
    if (!isFlushing) void flush();
  };
}
