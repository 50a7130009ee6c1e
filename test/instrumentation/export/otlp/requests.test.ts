import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import {
  groupIntoRequests,
  halve,
  type SpanRequest,
  spansOf,
} from '../../../../instrumentation/export/otlp/requests.ts';
import { fc } from '../../../support/property.ts';
import { buildSpan } from '../../span-builder.ts';

const span = buildSpan();
const batch = fc
  .integer({ min: 0, max: 12 })
  .map((count): SpanBatch => ({ spans: Array(count).fill(span), xray: undefined, isSampledForOtlp: true }));
const batches = fc.array(batch, { maxLength: 8 });

/** The batches that were given, put together again from their parts. */
function reassemble(requests: readonly SpanRequest[]): Map<SpanBatch, number> {
  const counts = new Map<SpanBatch, number>();
  for (const part of requests.flatMap((request) => request.batches)) {
    const whole = part.whole ?? part;
    counts.set(whole, (counts.get(whole) ?? 0) + part.spans.length);
  }
  return counts;
}

test('every span is in one request, no request has too many or none, small batches stay whole', () => {
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 10 }), (given, maxSpans) => {
      const requests = groupIntoRequests(given, maxSpans);
      for (const request of requests) {
        assert.ok(request.spanCount > 0 && request.spanCount <= maxSpans);
        assert.equal(spansOf(request).length, request.spanCount);
        for (const part of request.batches) {
          if (part.whole !== undefined) assert.ok(part.whole.spans.length > maxSpans);
        }
      }
      const counts = reassemble(requests);
      for (const whole of given) assert.equal(counts.get(whole) ?? 0, whole.spans.length);
    }),
    { numRuns: 500 },
  );
});

test('halves are two requests of the same spans; one span has none', () => {
  fc.assert(
    fc.property(batches, (given) => {
      const [request] = groupIntoRequests(given, 1000);
      if (request === undefined) return;
      const halves = halve(request);
      if (request.spanCount === 1) {
        assert.equal(halves, undefined);
        return;
      }
      const [first, second] = halves!;
      assert.ok(Math.abs(first.spanCount - second.spanCount) <= 1);
      for (const half of halves!) assert.equal(spansOf(half).length, half.spanCount);
      const counts = reassemble(halves!);
      for (const whole of given) assert.equal(counts.get(whole) ?? 0, whole.spans.length);
    }),
    { numRuns: 500 },
  );
});
