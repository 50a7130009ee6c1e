// Divides batches into requests that a receiver takes: not too many spans, not too many bytes. A batch is divided only when it
// has to be.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from '../exporter.ts';

export type RequestLimits = { readonly maxSpans: number; readonly maxBytes: number };

/** Some spans on their way together. */
export type SpanRequest = {
  readonly batches: readonly SpanBatch[];
  readonly spanCount: number;
};

/** Puts batches together up to `maxSpans`; one with more is divided. */
export function groupIntoRequests(batches: readonly SpanBatch[], maxSpans: number): SpanRequest[] {
  let total = 0;
  for (const { spans } of batches) total += spans.length;
  // Nearly always.
  if (total <= maxSpans) return total === 0 ? [] : [{ batches, spanCount: total }];
  const requests: SpanRequest[] = [];
  let gathered: SpanBatch[] = [];
  let spanCount = 0;
  const close = (): void => {
    if (spanCount > 0) requests.push({ batches: gathered, spanCount });
    gathered = [];
    spanCount = 0;
  };
  for (const batch of batches) {
    const { length } = batch.spans;
    if (spanCount + length > maxSpans) close();
    if (length <= maxSpans) {
      gathered.push(batch);
      spanCount += length;
    } else {
      for (let from = 0; from < length; from += maxSpans) {
        const part = partOf(batch, from, from + maxSpans);
        requests.push({ batches: [part], spanCount: part.spans.length });
      }
    }
  }
  close();
  return requests;
}

/** Two requests of about half the spans each; undefined when there is only one span. */
export function halve({ batches, spanCount }: SpanRequest): readonly [SpanRequest, SpanRequest] | undefined {
  if (spanCount < 2) return undefined;
  const [first, second]: [SpanBatch[], SpanBatch[]] = [[], []];
  const half = Math.ceil(spanCount / 2);
  let count = 0;
  for (const batch of batches) {
    const { length } = batch.spans;
    const room = Math.max(0, half - count);
    if (length <= room) first.push(batch);
    else if (room === 0) second.push(batch);
    else {
      first.push(partOf(batch, 0, room));
      second.push(partOf(batch, room, length));
    }
    count += length;
  }
  return [
    { batches: first, spanCount: half },
    { batches: second, spanCount: spanCount - half },
  ];
}

export function spansOf({ batches }: SpanRequest): readonly ReadableSpan[] {
  if (batches.length === 1) return batches[0]!.spans;
  const spans: ReadableSpan[] = [];
  for (const batch of batches) for (const span of batch.spans) spans.push(span);
  return spans;
}

function partOf(batch: SpanBatch, from: number, to: number): SpanBatch {
  return { ...batch, spans: batch.spans.slice(from, to), whole: batch.whole ?? batch };
}
