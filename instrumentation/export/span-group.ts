// The spans of one invocation, or of one batch that belongs to none, that wait for one destination. Who has to go when there is no
// room is the queue's business.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from './exporter.ts';

export class SpanGroup {
  readonly key: object;
  /** Spans that wait, and bytes of them. */
  count = 0;
  bytes = 0;
  isRunning = false;
  /** Spans before this index are dropped, or stay. */
  looked = 0;
  /** The first of its batches: what they have in common, and often all there is. */
  #first: SpanBatch;
  /** In order of their ends; holes where a span was dropped. */
  #spans: (ReadableSpan | undefined)[] = [];
  #sizes: number[] = [];

  constructor(batch: SpanBatch) {
    this.key = keyOf(batch);
    // What belongs to no invocation is known by the batch that it came in.
    this.#first = batch.invocation === undefined ? { ...batch, whole: batch.whole ?? batch } : batch;
  }

  batchWith(spans: readonly ReadableSpan[]): SpanBatch {
    return { ...this.#first, spans };
  }

  /** Of the spans and the holes together. */
  get length(): number {
    return this.#spans.length;
  }

  at(index: number): ReadableSpan | undefined {
    return this.#spans[index];
  }

  push(span: ReadableSpan, bytes: number): void {
    this.#spans.push(span);
    this.#sizes.push(bytes);
    this.count++;
    this.bytes += bytes;
  }

  /** Takes over what a later group of the same invocation has. */
  append(later: SpanGroup): void {
    this.#spans = this.#spans.concat(later.#spans);
    this.#sizes = this.#sizes.concat(later.#sizes);
    this.count += later.count;
    this.bytes += later.bytes;
    this.isRunning = later.isRunning;
  }

  /** Leaves a hole. */
  remove(index: number): ReadableSpan {
    const span = this.#spans[index]!;
    this.#spans[index] = undefined;
    // It must not be held any longer, and the first batch is not all there is.
    if (this.#first.spans.length > 0) this.#first = this.batchWith([]);
    this.count--;
    this.bytes -= this.#sizes[index]!;
    return span;
  }

  indexOfFirst(): number {
    return this.#spans.findIndex((span) => span !== undefined);
  }

  /** The group comes to its end: nothing may be added any more. */
  toBatch(): SpanBatch {
    const spans = this.#spans;
    if (spans.length === this.#first.spans.length) return this.#first;
    const hasHoles = this.count < spans.length;
    return this.batchWith(hasHoles ? spans.filter((span) => span !== undefined) : (spans as ReadableSpan[]));
  }
}

/** Batches with the same key belong together. */
export const keyOf = (batch: SpanBatch): object => batch.invocation ?? batch;
