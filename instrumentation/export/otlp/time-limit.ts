// A time limit for an answer. Timers come before the network in a turn of the event loop: when a handler has kept it busy, or the
// process was frozen, an answer that lies there must be looked for before it is too late.

import { clearTimeout, setImmediate, setTimeout } from '../../../runtime/untouched.ts';

export type TimeLimit = { readonly timer: NodeJS.Timeout; isOver: boolean };

/** Calls `timeUp` after that many milliseconds, and what has arrived by then is read before. */
export function startTimeLimit(ms: number, timeUp: () => void): TimeLimit {
  const limit: TimeLimit = {
    isOver: false,
    timer: setTimeout(() => {
      // The first comes after the look; what was read may take another turn to be an answer.
      setImmediate(() =>
        setImmediate(() => {
          if (!limit.isOver) timeUp();
        }),
      );
    }, ms),
  };
  return limit;
}

export function stopTimeLimit(limit: TimeLimit): void {
  limit.isOver = true;
  clearTimeout(limit.timer);
}
