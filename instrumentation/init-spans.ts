// Draws the init below the SERVER span of the invocation that paid for it: `Initialization` and its steps, as deep as they go.

import type { SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InitFacts, InitStep } from '../runtime/lifecycle.ts';
import { createSpanId } from './ids.ts';
import { RecordedSpan, type RecordingScope } from './recorded-span.ts';

const INTERNAL = 0;

/** `Initialization` comes first. `shiftMs` is how much the clock's origin moved since: the facts are older than it. */
export function drawInit(
  scope: RecordingScope,
  { startedAt, endedAt, steps }: InitFacts,
  server: SpanContext,
  shiftMs = 0,
): ReadableSpan[] {
  const spans: ReadableSpan[] = [];
  const draw = ({ name, startedAt: from, endedAt: to, path, steps: inner }: InitStep, parent: SpanContext): void => {
    const spanContext = { ...server, spanId: createSpanId() };
    const attributes = path === undefined ? {} : { 'code.file.path': path };
    const span = new RecordedSpan(scope, {
      name,
      kind: INTERNAL,
      spanContext,
      parent,
      startedAt: from - shiftMs,
      attributes,
    });
    span.endAt(to - shiftMs);
    spans.push(span);
    for (const step of inner ?? []) draw(step, spanContext);
  };
  draw({ name: 'Initialization', startedAt, endedAt, steps }, server);
  return spans;
}
