// How many spans there are and how many have found their end, per account: X-Ray's, and that of what the sampler decides on. The
// recorder counts the one, the way out the other; what is between is lost when the process is killed.

export type AccountName = 'xray' | 'otlp';

export type SpanCount = {
  /** Begun by this process, or taken over from one that died. */
  begun: number;
  /** Delivered, or dropped for a reason. */
  settled: number;
  /** Have left without an answer: being sent at this moment, or waiting to be sent again although they may have arrived. */
  inFlight: number;
};

export type SpanCounts = Readonly<Record<AccountName, SpanCount>>;

const newCount = (): SpanCount => ({ begun: 0, settled: 0, inFlight: 0 });

export const newSpanCounts = (): SpanCounts => ({ xray: newCount(), otlp: newCount() });
