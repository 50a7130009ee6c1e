// Spans to an OTLP endpoint, whatever carries them: divides them into requests, has each delivered, and says what became of
// every span. Encoding and transport are given.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { clearTimeout, setTimeout, wallNow } from '../../../runtime/untouched.ts';
import type { Exporter, ExportOutcome, SpanBatch } from '../exporter.ts';
import { Delivery, type Transport, type Verdict } from './delivery.ts';
import { groupIntoRequests, halve, type RequestLimits, type SpanRequest, spansOf } from './requests.ts';

export type OtlpExporterParts = {
  readonly transport: Transport;
  /** One ExportTraceServiceRequest. */
  encode(spans: readonly ReadableSpan[]): Uint8Array | undefined;
  /** Where the spans go, for messages: without user name, password and query. */
  readonly endpoint: string;
  /** Time for one flush to this endpoint, all tries together. */
  readonly timeoutMs: number;
  readonly limits: RequestLimits;
  /** What has to be there before the first request: headers out of a secret. Asked again at the next flush when it rejects. */
  prepare?(): Promise<void>;
  /** One line for the operator. */
  report(message: string): void;
};

export class OtlpExporter implements Exporter {
  readonly name = 'otlp';
  readonly #parts: OtlpExporterParts;
  readonly #delivery: Delivery;
  #isPrepared: boolean;
  #hasReportedRejection = false;
  #hasReportedEncoding = false;

  constructor(parts: OtlpExporterParts) {
    this.#parts = parts;
    this.#delivery = new Delivery(parts.transport);
    this.#isPrepared = parts.prepare === undefined;
  }

  async export(batches: readonly SpanBatch[], deadlineEpochMs: number): Promise<ExportOutcome> {
    const { timeoutMs, limits } = this.#parts;
    const untilEpochMs = Math.min(deadlineEpochMs, wallNow() + timeoutMs);
    if (!this.#isPrepared) {
      const failure = await this.#prepare(untilEpochMs);
      if (failure !== undefined) return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: failure };
    }
    const requests = groupIntoRequests(batches, limits.maxSpans);
    const tally = new Tally();
    for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
      const message = this.#encode(request, requests, tally);
      if (message === undefined) continue;
      const verdict = await this.#delivery.deliver(message, untilEpochMs);
      if (verdict.kind === 'too large' && divide(request, requests)) continue;
      if (verdict.kind === 'taken') this.#reportRejection(verdict);
      tally.count(request, verdict);
      if (!tally.isOver) continue;
      // Nobody answers there: the rest would wait in vain.
      for (const rest of requests) tally.keep(rest);
      break;
    }
    return tally.outcome(this.#parts.endpoint, batches);
  }

  /** Why it could not be prepared; undefined: it could. */
  async #prepare(untilEpochMs: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<string>((resolve) => {
      timer = setTimeout(
        () => resolve('the headers out of the secret did not come in time'),
        Math.max(0, untilEpochMs - wallNow()),
      );
    });
    const prepared = this.#parts.prepare!().then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    const failure = await Promise.race([prepared, timeUp]);
    clearTimeout(timer);
    this.#isPrepared = failure === undefined;
    return failure;
  }

  /** undefined: it is not sent as it is. Either its halves are among the requests now, or it is lost. */
  #encode(request: SpanRequest, requests: SpanRequest[], tally: Tally): Uint8Array | undefined {
    const { encode, limits } = this.#parts;
    let message: Uint8Array | undefined;
    try {
      message = encode(spansOf(request));
    } catch (error) {
      if (!divide(request, requests)) this.#leaveOut(request, tally, error);
      return undefined;
    }
    if (message === undefined) {
      this.#leaveOut(request, tally, 'nothing was encoded');
      return undefined;
    }
    return message.length > limits.maxBytes && divide(request, requests) ? undefined : message;
  }

  /** Nothing is wrong with the receiver: it is no failure of the export. */
  #leaveOut(request: SpanRequest, tally: Tally, reason: unknown): void {
    tally.leaveOut(request);
    if (this.#hasReportedEncoding) return;
    this.#hasReportedEncoding = true;
    this.#parts.report(`spans that could not be encoded are dropped: ${reason}; said once`);
  }

  /** Once: a receiver that rejects something usually rejects it every time. */
  #reportRejection({ rejectedSpans, warning }: Extract<Verdict, { kind: 'taken' }>): void {
    if (this.#hasReportedRejection || (rejectedSpans === 0 && !warning)) return;
    this.#hasReportedRejection = true;
    const what = rejectedSpans === 0 ? 'has a warning about' : `rejected ${rejectedSpans} of`;
    const why = warning ? `: ${warning.slice(0, 200)}` : '';
    this.#parts.report(`${this.#parts.endpoint} ${what} the spans it was sent${why}; said once`);
  }
}

/** Puts the halves of a request that is too large before the others; false: there is nothing to divide. */
function divide(request: SpanRequest, requests: SpanRequest[]): boolean {
  const halves = halve(request);
  if (halves !== undefined) requests.unshift(...halves);
  return halves !== undefined;
}

/** What became of the spans of one export. */
class Tally {
  #sentSpans = 0;
  #droppedSpans = 0;
  /** Of these, spans that nobody was asked to take. */
  #unsendableSpans = 0;
  #resentSpans = 0;
  readonly #unsent: SpanBatch[] = [];
  readonly #doubtful: SpanBatch[] = [];
  readonly #lost: SpanBatch[] = [];
  #error: string | undefined;
  /** True when a request could not be delivered at all. */
  isOver = false;

  count(request: SpanRequest, verdict: Verdict): void {
    if (verdict.wasResent) this.#resentSpans += request.spanCount;
    if (verdict.mayHaveArrived) this.#doubtful.push(...request.batches);
    if (verdict.kind === 'taken') {
      const rejectedSpans = Math.min(verdict.rejectedSpans, request.spanCount);
      this.#sentSpans += request.spanCount - rejectedSpans;
      this.#droppedSpans += rejectedSpans;
    } else if (verdict.kind === 'again' || verdict.kind === 'later') {
      this.#error = verdict.error;
      this.isOver = true;
      this.keep(request);
    } else {
      this.lose(request, verdict.error);
    }
  }

  keep({ batches }: SpanRequest): void {
    this.#unsent.push(...batches);
  }

  /** It could not be turned into bytes. */
  leaveOut(request: SpanRequest): void {
    this.#unsendableSpans += request.spanCount;
    this.#drop(request);
  }

  lose(request: SpanRequest, error: string): void {
    this.#drop(request);
    this.#error = error;
  }

  #drop({ batches, spanCount }: SpanRequest): void {
    this.#droppedSpans += spanCount;
    this.#lost.push(...batches);
  }

  outcome(endpoint: string, batches: readonly SpanBatch[]): ExportOutcome {
    if (this.#error === undefined && this.#resentSpans === 0 && this.#unsendableSpans === 0) {
      return { sentSpans: this.#sentSpans, droppedSpans: this.#droppedSpans };
    }
    const isAllUnsent = this.#sentSpans === 0 && this.#droppedSpans === 0;
    const isAllLost = this.#sentSpans === 0 && this.#unsent.length === 0;
    const isUnsendable = this.#unsendableSpans > 0 && this.#unsendableSpans === this.#droppedSpans;
    return {
      sentSpans: this.#sentSpans,
      droppedSpans: this.#droppedSpans,
      ...(isUnsendable && { dropReason: 'unsendable' as const }),
      ...(this.#lost.length > 0 && !isAllLost && { lost: this.#lost }),
      ...(this.#unsent.length > 0 && { unsent: isAllUnsent ? batches : this.#unsent }),
      ...(this.#doubtful.length > 0 && { doubtful: this.#doubtful }),
      ...(this.#resentSpans > 0 && { resentSpans: this.#resentSpans }),
      ...(this.#error !== undefined && { error: describe(endpoint, this.#error) }),
    };
  }
}

const describe = (endpoint: string, error: string): string =>
  error.startsWith('answered ') ? `${endpoint} ${error}` : `${endpoint}: ${error}`;
