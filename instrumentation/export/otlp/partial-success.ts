// What a receiver says besides taking a request (opentelemetry-proto, ExportTracePartialSuccess), read so that nothing it says can
// disturb the books.

import type { Verdict } from './delivery.ts';

export type PartialSuccess = {
  readonly partialSuccess?: { readonly rejectedSpans?: number | string; readonly errorMessage?: string };
};

/** The verdict on a request that was taken. `read` may throw. */
export function taken(read: () => PartialSuccess): Verdict {
  try {
    const { rejectedSpans, errorMessage } = read().partialSuccess ?? {};
    const warning = typeof errorMessage === 'string' && errorMessage !== '' ? errorMessage : undefined;
    return { kind: 'taken', rejectedSpans: countOf(rejectedSpans), warning };
  } catch {
    // It was taken; what else was to be said cannot be read.
    return { kind: 'taken', rejectedSpans: 0, warning: undefined };
  }
}

/** JSON has 64 bits as a text. What is no number of spans is none. */
function countOf(value: unknown): number {
  const count = typeof value === 'string' ? Number(value) : value;
  return Number.isSafeInteger(count) && (count as number) > 0 ? (count as number) : 0;
}
