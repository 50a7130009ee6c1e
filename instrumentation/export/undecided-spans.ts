// Spans of invocations that the sampler does not want, until their end shows whether somebody will: OTLP then gets all of them or none.
// How many may wait is bounded like the queue of a destination, and by the same rule who goes first.

import type { Clock } from '../clock.ts';
import type { InvocationRecord } from '../invocation-record.ts';
import { KEPT_BECAUSE, type KeepReason } from '../keep-rules.ts';
import type { DropReason, SpanAccount } from '../span-account.ts';
import type { SpanBatch } from './exporter.ts';
import { isLate } from './invocation-watch.ts';
import { SpanQueue } from './span-queue.ts';
import { decideTail, type EndFacts } from './tail-decision.ts';

const ERROR = 2;
/** How many invocations of this process were not sent since the last one that was: together they are all there were. */
export const NOT_KEPT_BEFORE = 'spanstrap.not_kept_before';

export type UndecidedSpansOptions = {
  readonly clock: Pick<Clock, 'now' | 'epochMs'>;
  /** The books of what the sampler decides on. */
  readonly account: SpanAccount;
  /** Spans, and bytes of them, that may wait. */
  readonly maxSpans: number;
  readonly maxBytes: number;
  readonly deadlineMarginMs: number | undefined;
  /** Sends on what is kept. */
  add(batch: SpanBatch): void;
};

type Loss = { readonly reason: DropReason; readonly spans: number };
const NO_LOSSES: readonly Loss[] = [];

export class UndecidedSpans {
  readonly #options: UndecidedSpansOptions;
  readonly #queue: SpanQueue;
  /** What had to go before anybody knew. */
  readonly #losses = new Map<object, Loss[]>();
  #notKept = 0;

  constructor(options: UndecidedSpansOptions) {
    this.#options = options;
    const { maxSpans, maxBytes } = options;
    this.#queue = new SpanQueue({
      maxSpans,
      maxBytes,
      dropped: (reason, { invocation, spans }) => {
        const losses = this.#losses.get(invocation!) ?? [];
        this.#losses.set(invocation!, losses);
        losses.push({ reason, spans: spans.length });
      },
    });
  }

  /** Spans of an invocation that is not decided. */
  hold(batch: SpanBatch): void {
    this.#queue.add(batch);
  }

  /** Decides what is certain before the end: that it is slow, or near its deadline. */
  look(record: InvocationRecord): void {
    if (!record.isUndecided) return;
    const reason = decideTail(record.keep!, this.#factsOf(record));
    if (reason !== undefined) this.#keep(record, reason);
  }

  /** The phases of an invocation have ended. */
  end(record: InvocationRecord): void {
    const { server } = record.phases;
    if (record.keep !== undefined) {
      // What was certain before stays so, whatever else has come.
      const reason = decideTail(record.keep, this.#factsOf(record)) ?? record.keptBecause;
      if (reason === undefined) this.#forget(record);
      else this.#keep(record, reason);
    }
    if (!record.isSampledForOtlp || this.#notKept === 0) return;
    server.attributes[NOT_KEPT_BEFORE] = this.#notKept;
    this.#notKept = 0;
  }

  #factsOf(record: InvocationRecord): EndFacts {
    const { clock, deadlineMarginMs } = this.#options;
    const { receivedAt, deadlineEpochMs } = record.invocation;
    const { server, all } = record.phases;
    const [seconds, nanos] = server.duration;
    const tookMs = server.ended ? seconds * 1e3 + nanos / 1e6 : clock.now() - server.startedAt;
    return {
      // Before the end the last word is not spoken.
      isFailed: server.ended && all.some(({ status }) => status.code === ERROR),
      isLate: isLate(tookMs, deadlineEpochMs - clock.epochMs(receivedAt), deadlineMarginMs),
      tookMs,
      isColdStart: record.keptBecause === 'cold',
    };
  }

  #keep(record: InvocationRecord, reason: KeepReason): void {
    record.phases.server.attributes[KEPT_BECAUSE] = reason;
    record.keptBecause = reason;
    if (record.isSampledForOtlp) return;
    const { account, add } = this.#options;
    const losses = this.#takeLosses(record);
    const held = this.#queue.takeOf(record);
    if (!record.keep!.errors) account.count.begun += this.#countSpans(record, held, losses);
    record.isSampledForOtlp = true;
    for (const { reason, spans } of losses) account.drop(reason, spans);
    if (held === undefined) return;
    const { xray } = record;
    const batch = {
      spans: held.spans,
      xray: undefined,
      isSampledForOtlp: true,
      invocation: record,
      isRunning: true,
    } as const;
    // X-Ray has them already: the fallback need not take what OTLP loses.
    add(xray === undefined ? batch : { ...batch, whole: { ...batch, xray } });
  }

  #forget(record: InvocationRecord): void {
    const { account } = this.#options;
    const losses = this.#takeLosses(record);
    const held = this.#queue.takeOf(record);
    if (record.keep!.errors) account.count.begun -= this.#countSpans(record, held, losses);
    record.keep = undefined;
    this.#notKept++;
  }

  #takeLosses(record: InvocationRecord): readonly Loss[] {
    const losses = this.#losses.get(record) ?? NO_LOSSES;
    if (losses !== NO_LOSSES) this.#losses.delete(record);
    return losses;
  }

  /** All that were begun in it so far. */
  #countSpans({ phases, ended, open }: InvocationRecord, held: SpanBatch | undefined, losses: readonly Loss[]): number {
    const own = phases.server.ended ? 0 : phases.all.length;
    const lost = losses.reduce((sum, { spans }) => sum + spans, 0);
    return own + ended.length + open.size + (held?.spans.length ?? 0) + lost;
  }
}
