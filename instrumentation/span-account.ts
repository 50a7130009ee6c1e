// The books of one destination: every span that is meant for it ends as delivered or as dropped for a reason; what is neither yet
// is outstanding. Nothing here knows how spans are sent.

import type { Attributes } from '@opentelemetry/api';
import type { AccountName, SpanCount } from './span-counts.ts';

/** Why a span did not arrive, as it stands in `spanstrap.dropped.<account>.<reason>`. */
export type DropReason =
  /** More spans waited than may (`SPANSTRAP_MAX_QUEUED_SPANS`). */
  | 'queue_full'
  /** More bytes waited than telemetry may take of the function's memory. */
  | 'memory'
  /** The backend will not take them, now or later. */
  | 'refused'
  /** They fit no datagram, or are beyond what one trace may hold. */
  | 'too_large'
  /** They could not be turned into bytes. */
  | 'unsendable'
  /** The process ended before the backend came back; they stand on standard output instead. */
  | 'given_up'
  /** The process was killed before they left it. */
  | 'killed'
  /** The process ended while they were on their way: they may have arrived, and are not sent a second time. */
  | 'unknown_fate'
  /** The process ended and the spool had no room or could not be written. */
  | 'spool';

/** Losses as they are handed from process to process. */
export type Losses = { readonly dropped: Readonly<Record<string, number>>; readonly resent: number };

export class SpanAccount {
  readonly name: AccountName;
  readonly count: SpanCount;
  /** Spans that have left, and such as are not drawn there at all. */
  sent = 0;
  /** Dropped by this process. */
  droppedSpans = 0;
  /** Spans that were sent again after an attempt of which nobody knows the outcome: the backend may have them twice. */
  #resent = 0;
  /** By reason, since the environment began: it outlives the process. */
  readonly #dropped = new Map<string, number>();

  constructor(name: AccountName, count: SpanCount = { begun: 0, settled: 0, inFlight: 0 }) {
    this.name = name;
    this.count = count;
  }

  get outstanding(): number {
    return this.count.begun - this.count.settled;
  }

  get hasLosses(): boolean {
    return this.#dropped.size > 0 || this.#resent > 0;
  }

  settle(spans: number): void {
    this.sent += spans;
    this.count.settled += spans;
  }

  drop(reason: DropReason, spans: number): void {
    if (spans <= 0) return;
    this.droppedSpans += spans;
    this.count.settled += spans;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + spans);
  }

  resend(spans: number): void {
    this.#resent += spans;
  }

  /** Adds the losses to the attributes of a root span: numbers since the environment began. */
  describe(attributes: Attributes): void {
    for (const [reason, spans] of this.#dropped) attributes[`spanstrap.dropped.${this.name}.${reason}`] = spans;
    if (this.#resent > 0) attributes[`spanstrap.resent.${this.name}`] = this.#resent;
  }

  /** For the log: what became of this process's spans. */
  get summary(): string {
    const losses = [...this.#dropped].map(([reason, spans]) => `${reason} ${spans}`);
    const lost = losses.length === 0 ? 'none dropped' : `dropped: ${losses.join(', ')}`;
    const resent = this.#resent > 0 ? `, ${this.#resent} perhaps sent twice` : '';
    const kept = this.outstanding > 0 ? `, ${this.outstanding} kept for the next process` : '';
    return `${this.name} spans of this environment: ${this.sent} sent by this process, ${lost}${resent}${kept}`;
  }

  get losses(): Losses {
    return { dropped: Object.fromEntries(this.#dropped), resent: this.#resent };
  }

  /** Goes on with what an earlier process of the same environment had counted. */
  carryOn({ dropped, resent }: Losses): void {
    this.#resent += resent;
    for (const [reason, spans] of Object.entries(dropped)) {
      this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + spans);
    }
  }
}
