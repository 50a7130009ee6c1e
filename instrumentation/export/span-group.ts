// The spans of one invocation, or of one batch that belongs to none, that wait for one destination. Who has to go when there is no
// room is the queue's business.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from './exporter.ts';

export class SpanGroup {
  readonly key: object;
  /** What its batches have in common. */
  readonly frame: SpanBatch;
  /** Spans that wait, and bytes of them. */
  count = 0;
  bytes = 0;
  isRunning = false;
  /** Spans before this index are dropped, or stay. */
  looked = 0;
  /** In order of their ends; holes where a span was dropped. */
  #spans: (ReadableSpan | undefined)[] = [];
  #sizes: number[] = [];

  constructor(batch: SpanBatch) {
    const { invocation } = batch;
    this.key = invocation ?? batch;
    // What belongs to no invocation is known by the batch that it came in.
    this.frame =
      invocation === undefined ? { ...batch, spans: [], whole: batch.whole ?? batch } : { ...batch, spans: [] };
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
    const hasHoles = this.count < spans.length;
    return {
      ...this.frame,
      spans: hasHoles ? spans.filter((span) => span !== undefined) : (spans as ReadableSpan[]),
    };
  }
}
