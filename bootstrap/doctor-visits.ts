// Has the doctor look after each flush, when the response has long left. All that is there of it at the start.

import { type FlushReason, type InvocationObserver, now } from '../runtime/lifecycle.ts';

export type Doctor = {
  /** A flush is over. */
  visit(reason: FlushReason, flushMs: number): void;
};

/** The same observer. `open` is called after the first flush. */
export function withDoctor(
  observer: InvocationObserver,
  open: () => Doctor,
  report: (message: string) => void,
): InvocationObserver {
  let doctor: Doctor | undefined;
  return {
    ...observer,
    async flush(reason, deadlineEpochMs) {
      const startedAt = now();
      await observer.flush(reason, deadlineEpochMs);
      try {
        const flushMs = now() - startedAt;
        doctor ??= open();
        doctor.visit(reason, flushMs);
      } catch (error) {
        report(`doctor could not finish its report: ${error}`);
      }
    },
  };
}
