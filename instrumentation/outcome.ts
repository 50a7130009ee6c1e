// What the end of a handler means for the spans of its invocation: errors, the result's status.

import type { HandlerOutcome } from '../runtime/lifecycle.ts';
import type { RecordedSpan } from './recorded-span.ts';
import { putAll } from './triggers/field-specs.ts';
import { describeResult } from './triggers/result.ts';
import type { Trigger, TriggerOptions } from './triggers/trigger.ts';

const ERROR = 2;

/** Of `phases` all get the status of a handler that failed; `handler` is the one in which that happened. */
export function describeOutcome(
  outcome: HandlerOutcome,
  phases: { readonly server: RecordedSpan; readonly handler: RecordedSpan; readonly all: readonly RecordedSpan[] },
  trigger: Trigger,
  options: TriggerOptions,
): void {
  const { server, handler, all } = phases;
  if (outcome.ok) {
    const { attributes, errorType } = describeResult(trigger, outcome.result, options, outcome.isStreamed);
    // As all that is ours: valid, and not subject to the limit for what user code sets.
    putAll(server.attributes, attributes);
    if (errorType !== undefined) {
      server.setAttribute('error.type', errorType);
      server.setStatus({ code: ERROR });
    }
    return;
  }
  const { error, errorType } = outcome;
  for (const span of all) setError(span, error, errorType);
  // To the caller a handler that fails is one without a result: a gateway turns both into the same status.
  putAll(server.attributes, describeResult(trigger, undefined, options).attributes);
  // Once, where it happened; X-Ray and OpenTelemetry both read it from there.
  recordError(handler, error);
}

/** Of a span that nothing else tells the error of. */
export function failSpan(span: RecordedSpan, error: unknown, errorType: string): void {
  setError(span, error, errorType);
  recordError(span, error);
}

function setError(span: RecordedSpan, error: unknown, errorType: string): void {
  span.setStatus({ code: ERROR, message: messageOf(error) });
  span.setAttribute('error.type', errorType);
}

function recordError(span: RecordedSpan, error: unknown): void {
  span.recordException(isObject(error) ? (error as Error) : String(error));
}

function messageOf(error: unknown): string {
  try {
    return isObject(error) && 'message' in error ? String(error.message) : String(error);
  } catch {
    return 'an error whose message cannot be read';
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
