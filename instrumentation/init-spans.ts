// Draws the init below the SERVER span of the invocation that paid for it: `Initialization` and its steps, as deep as they go.

import type { SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InitFacts, InitStep } from '../runtime/lifecycle.ts';
import { createSpanId } from './ids.ts';
import { KEPT_BECAUSE, type KeepReason } from './keep-rules.ts';
import { failSpan } from './outcome.ts';
import { RecordedSpan, type RecordingScope } from './recorded-span.ts';

const INTERNAL = 0;
const SAMPLED = 1;

/** What is told of an init that failed. */
export type FailedInit = {
  readonly facts: InitFacts;
  readonly traceId: string;
  /** The sampler wants it; if not, a rule does. */
  readonly isSampled: boolean;
};

/** A trace of its own, since no invocation came: `Initialization` is its root, with the error. */
export function drawFailedInit(scope: RecordingScope, { facts, traceId, isSampled }: FailedInit): ReadableSpan[] {
  const { error, errorType = 'Error' } = facts;
  return drawSteps(scope, facts, {
    context: { traceId, spanId: createSpanId(), traceFlags: isSampled ? SAMPLED : 0 },
    shiftMs: 0,
    describeRoot(root) {
      failSpan(root, error, errorType);
      root.setAttribute('faas.coldstart', true);
      if (!isSampled) root.setAttribute(KEPT_BECAUSE, 'errors' satisfies KeepReason);
    },
  });
}

/** `Initialization` comes first. `shiftMs` is how much the clock's origin moved since: the facts are older than it. */
export function drawInit(scope: RecordingScope, facts: InitFacts, server: SpanContext, shiftMs = 0): ReadableSpan[] {
  return drawSteps(scope, facts, { context: server, parent: server, shiftMs });
}

type Drawing = {
  /** What all its spans share. */
  readonly context: SpanContext;
  readonly parent?: SpanContext;
  readonly shiftMs: number;
  describeRoot?(root: RecordedSpan): void;
};

function drawSteps(
  scope: RecordingScope,
  { startedAt, endedAt, steps }: InitFacts,
  { context, parent: outer, shiftMs, describeRoot }: Drawing,
): RecordedSpan[] {
  const spans: RecordedSpan[] = [];
  const draw = (
    { name, startedAt: from, endedAt: to, path, steps: inner }: InitStep,
    parent: SpanContext | undefined,
  ): void => {
    const spanContext = { ...context, spanId: createSpanId() };
    const attributes = path === undefined ? {} : { 'code.file.path': path };
    const span = new RecordedSpan(scope, {
      name,
      kind: INTERNAL,
      spanContext,
      parent,
      startedAt: from - shiftMs,
      attributes,
    });
    if (spans.length === 0) describeRoot?.(span);
    span.endAt(to - shiftMs);
    spans.push(span);
    for (const step of inner ?? []) draw(step, spanContext);
  };
  draw({ name: 'Initialization', startedAt, endedAt, steps }, outer);
  return spans;
}
