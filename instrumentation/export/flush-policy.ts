// When what is recorded is sent: one pure decision. Everything else about flushing is how, and stands in outlet.ts.
//
//   moment    mode         condition                              decision
//   ending    any          -                                      wait
//   any       any          nothing waits to be sent               none
//   any       any          no time left before the deadline       none
//   running   any          the queue is half full                 background
//   running   any          the interval is over                   background
//   running   finalize, periodic, continuous
//                          a batch is full                        background
//   running   async, sync  otherwise                              none
//   settled   sync         -                                      wait      (the response waits)
//   settled   others       -                                      none
//   answered  async        -                                      wait      (the freeze waits, the client does not)
//   answered  sync         the queue is half full                 wait      (what came after the response)
//   answered  finalize, periodic
//                          the interval is over, a batch is full,
//                          or the queue is half full              wait
//   answered  continuous   the queue is half full                 wait
//   answered  others       -                                      none
//   begun     continuous   the interval is over or a batch full   background (beside the handler)
//   begun     others       -                                      none
//
// `adaptive` is `async` or `continuous`, whichever the history of invocations suggests (flush-history.ts). `end,MS` is `periodic`
// without the batches: at the end, when the last flush is that long ago. Where several invocations run at once nothing is frozen in
// between, and nobody has to wait: what would be `wait` at `answered` is `background` to the runtime there.

export type FlushMode = 'async' | 'sync' | 'finalize' | 'periodic' | 'continuous' | 'interval';

/** `begun`: an event has come. `running`: spans have ended, or time has passed, while the handler runs. `settled`: the response is
 * ready and not yet posted. `answered`: it is posted. `ending`: the process ends. */
export type FlushMoment = 'begun' | 'running' | 'settled' | 'answered' | 'ending';

/** `wait`: send, and whoever asked waits for it. `background`: send, and nobody waits. */
export type FlushDecision = 'none' | 'background' | 'wait';

export type FlushSituation = {
  readonly mode: FlushMode;
  readonly moment: FlushMoment;
  readonly queuedSpans: number;
  /** A full batch, in spans; it varies around its setting so that environments do not send in step. */
  readonly batchSpans: number;
  /** Half of what may wait does. */
  readonly isPressed: boolean;
  readonly sinceFlushMs: number;
  readonly intervalMs: number;
  /** To the invocation's deadline. */
  readonly leftMs: number;
};

/** Less time than this is left to the platform and to the response. */
export const DEADLINE_MARGIN_MS = 50;

export function decideFlush(situation: FlushSituation): FlushDecision {
  const { mode, moment, queuedSpans, isPressed } = situation;
  if (moment === 'ending') return 'wait';
  if (queuedSpans === 0 || situation.leftMs <= DEADLINE_MARGIN_MS) return 'none';
  const isDue = situation.sinceFlushMs >= situation.intervalMs;
  const isFull = mode !== 'interval' && queuedSpans >= situation.batchSpans;
  switch (moment) {
    case 'running':
      if (isPressed || isDue) return 'background';
      return isFull && mode !== 'async' && mode !== 'sync' ? 'background' : 'none';
    case 'settled':
      return mode === 'sync' ? 'wait' : 'none';
    case 'answered':
      if (mode === 'async' || isPressed) return 'wait';
      return (isDue || isFull) && mode !== 'sync' && mode !== 'continuous' ? 'wait' : 'none';
    case 'begun':
      return mode === 'continuous' && (isDue || isFull) ? 'background' : 'none';
  }
}

/** A batch's size: the base and up to `jitter` more or less. `random` is 0 to 1. */
export function batchSpans(base: number, jitter: number, random: number): number {
  const least = Math.max(1, base - jitter);
  return least + Math.floor(random * (base + jitter - least + 1));
}
