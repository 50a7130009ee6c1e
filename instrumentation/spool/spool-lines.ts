// Batches as the text of a spool, within its bounds: the newest first to be kept, because it is the one that died.

import type { SpanBatch } from '../export/exporter.ts';
import type { AccountName } from '../span-counts.ts';
import { encodeRecord } from './spool-record.ts';

/** Of one destination. /tmp has 512 MB at least, and they are the function's. */
const MOST_CHARS = 4 * 1024 * 1024;
/** A line holds so many spans: a torn line costs no more. */
const SPANS_OF_LINE = 50;

/** `left`: spans for which there was no room, or that cannot be written down. */
export function spoolLines(to: AccountName, batches: readonly SpanBatch[]): { text: string; left: number } {
  const lines: string[] = [];
  let chars = 0;
  let left = 0;
  const add = (batch: SpanBatch): void => {
    const { spans } = batch;
    try {
      const line = encodeRecord({ to, batch });
      if (chars + line.length > MOST_CHARS) left += spans.length;
      else {
        chars += line.length;
        lines.push(line);
      }
    } catch {
      // One of them holds what JSON does not.
      if (spans.length === 1) left += 1;
      else for (const span of spans.toReversed()) add({ ...batch, spans: [span] });
    }
  };
  for (const batch of batches.toReversed()) {
    for (let end = batch.spans.length; end > 0; end -= SPANS_OF_LINE) {
      add({ ...batch, spans: batch.spans.slice(Math.max(0, end - SPANS_OF_LINE), end) });
    }
  }
  return { text: lines.reverse().join(''), left };
}
