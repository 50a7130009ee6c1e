// Span processors of the user's own: they see every span of an invocation that OpenTelemetry's sampler wants, and are flushed with it.

import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { FlushReason } from '../../runtime/lifecycle.ts';
import { clearTimeout, setTimeout, wallNow } from '../../runtime/untouched.ts';
import { ROOT_CONTEXT } from '../active-context.ts';

const isSampled = (span: ReadableSpan): boolean => (span.spanContext().traceFlags & 1) === 1;

export class UserProcessors {
  readonly #processors: SpanProcessor[] = [];
  readonly #started = new WeakSet<ReadableSpan>();
  readonly #maxFlushMs: number;
  readonly #report: (problem: string) => void;

  /** `report` is told of each kind of problem once. */
  constructor(maxFlushMs: number, report: (problem: string) => void) {
    this.#maxFlushMs = maxFlushMs;
    this.#report = report;
  }

  add(processor: SpanProcessor): void {
    if (typeof (processor as SpanProcessor | null)?.onEnd === 'function') this.#processors.push(processor);
    else this.#report('what was added as a span processor has no onEnd: it is left out');
  }

  started(span: ReadableSpan, parent: Context): void {
    if (!isSampled(span)) return;
    this.#started.add(span);
    this.#tell((processor) => processor.onStart(span as unknown as Span, parent));
  }

  ended(spans: readonly ReadableSpan[]): void {
    for (const span of spans) {
      if (!isSampled(span)) continue;
      // What is drawn afterwards was never seen to start.
      if (!this.#started.has(span)) this.started(span, ROOT_CONTEXT);
      this.#tell((processor) => processor.onEnd(span));
    }
  }

  /** Resolves when all have sent what they have, or when time is up. Never rejects. */
  async flush(reason: FlushReason, deadlineEpochMs: number): Promise<void> {
    if (this.#processors.length === 0) return;
    const work = this.#processors.map(async (processor) => {
      try {
        await (reason === 'invocation' ? processor.forceFlush() : processor.shutdown());
      } catch (error) {
        this.#report(`a span processor could not send: ${error}`);
      }
    });
    const leftMs = Math.max(0, Math.min(this.#maxFlushMs, deadlineEpochMs - wallNow()));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), leftMs);
    });
    const outcome = await Promise.race([Promise.all(work), late]);
    clearTimeout(timer);
    if (outcome === 'late') this.#report(`a span processor was not done with its flush after ${Math.round(leftMs)} ms`);
  }

  #tell(work: (processor: SpanProcessor) => void): void {
    for (const processor of this.#processors) {
      try {
        work(processor);
      } catch (error) {
        this.#report(`a span processor failed: ${error}`);
      }
    }
  }
}
