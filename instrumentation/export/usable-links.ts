// The links of a span that lead somewhere: code without types gives them what it took for a span context.

import type { Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** The span's own list, nearly always. */
export function usableLinks({ links }: Pick<ReadableSpan, 'links'>): readonly Link[] {
  return links.every(isUsable) ? links : links.filter(isUsable);
}

function isUsable(link: Link): boolean {
  const { traceId, spanId } = (link as Link | undefined)?.context ?? {};
  return typeof traceId === 'string' && typeof spanId === 'string';
}
