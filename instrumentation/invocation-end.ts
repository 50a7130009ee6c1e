// What the end of an invocation means for its spans: how it ended, how long everything took, what is left open. Loaded with the way
// out, after the first response.

import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Answer, HandlerOutcome, Instant } from '../runtime/lifecycle.ts';
import type { SpanBatch } from './export/exporter.ts';
import type { GarbageCollections } from './garbage-collections.ts';
import { createSpanId } from './ids.ts';
import { drawInit } from './init-spans.ts';
import type { InvocationRecord } from './invocation-record.ts';
import { linksOf } from './message-links.ts';
import { describeOutcome } from './outcome.ts';
import type { ContextRules } from './parent.ts';
import { RecordedSpan, type RecordingScope } from './recorded-span.ts';
import { adoptRoute } from './routes/matched-route.ts';
import type { Trigger, TriggerOptions } from './triggers/trigger.ts';

const INTERNAL = 0;
/** The event loop of any process is late by a little. */
const LOOP_DELAY_WORTH_TELLING_MS = 10;

/** One of ours and not of the SDK's, by what it can do: each bundle has a class of its own by that name. */
export const isRecordedSpan = (span: ReadableSpan): span is RecordedSpan => 'forgetFailure' in span;

export type EndingScope = RecordingScope & {
  readonly trigger: TriggerOptions;
  readonly contextRules: ContextRules;
  /** undefined: nobody observes them. */
  collections(): GarbageCollections | undefined;
  /** The tracer's share of the init, milliseconds. */
  initOwnMs(): number;
  /** Its phases have ended: what waits for that is decided. Absent: nothing does. */
  readonly ended?: (record: InvocationRecord) => void;
  /** Adds what is to be told of the tracer itself. */
  describeTracer(attributes: Attributes): void;
  /** Something of the tracer's own went wrong. */
  fault(error: unknown): void;
};

/** Ends the phases, once. What user code returned or threw may throw when it is looked at; that costs its description only. */
export function endPhases(record: InvocationRecord, scope: EndingScope, at: Instant): void {
  const { server, all } = record.phases;
  if (server.ended) return;
  const startedAt = scope.clock.now();
  try {
    if (record.route !== undefined) adoptRoute(server, record.route, record.trigger);
    if (record.outcome !== undefined) describeEnd(record, record.outcome, scope);
  } catch (error) {
    scope.fault(error);
  }
  if (record.init !== undefined) takeInit(record, record.init, scope);
  const ownMs = record.ownMs + scope.clock.now() - startedAt;
  server.attributes['spanstrap.overhead_us'] = Math.round(ownMs * 1e3);
  scope.describeTracer(server.attributes);
  for (const span of all) span.endAt(at);
  const phases: readonly ReadableSpan[] = all;
  record.ended = phases.concat(record.ended);
  scope.ended?.(record);
}

function takeInit(
  record: InvocationRecord,
  { facts, shiftMs }: NonNullable<InvocationRecord['init']>,
  scope: EndingScope,
): void {
  const spans = drawInit(scope, facts, record.phases.server.spanContext(), shiftMs);
  spans[0]!.attributes['spanstrap.overhead_us'] = Math.round(scope.initOwnMs() * 1e3);
  record.count(spans.length);
  record.ended.unshift(...spans);
}

function describeEnd(record: InvocationRecord, outcome: HandlerOutcome, scope: EndingScope): void {
  const { attributes } = record.phases.handler;
  if (record.answer !== undefined) describeAnswer(attributes, outcome, record.answer);
  const { maxMs } = record.loopDelay;
  if (maxMs >= LOOP_DELAY_WORTH_TELLING_MS) attributes['lambda.event_loop.delay_max_ms'] = milliseconds(maxMs);
  const trigger = record.trigger.later?.() ?? record.trigger;
  if (trigger !== record.trigger) describeLate(record, trigger, scope);
  describeOutcome(outcome, record.phases, trigger, scope.trigger);
}

function describeAnswer(
  attributes: Attributes,
  outcome: HandlerOutcome,
  { at, serializedAt, bodyBytes }: Answer,
): void {
  if (!outcome.ok || !outcome.isStreamed) {
    attributes['lambda.response.serialize_ms'] = milliseconds(serializedAt - outcome.at);
    attributes['lambda.response.post_ms'] = milliseconds(at - serializedAt);
  }
  attributes['lambda.response.size'] = bodyBytes;
}

/** What the event says that could not be read in time. */
function describeLate({ phases }: InvocationRecord, trigger: Trigger, { contextRules }: EndingScope): void {
  if (trigger.consumer === undefined) return;
  const span = phases.consumer ?? phases.server;
  span.updateName(trigger.consumer.name);
  span.setAttributes(trigger.consumer.attributes);
  span.addLinks(linksOf(trigger, contextRules));
}

/** The spans that have ended and were not taken yet. */
export function takeEnded(record: InvocationRecord): SpanBatch {
  const spans = record.ended;
  record.ended = [];
  return batchOf(record, spans);
}

/** Spans of an invocation on their way out. */
export function batchOf(record: InvocationRecord, spans: readonly ReadableSpan[]): SpanBatch {
  const { xray, isSampledForOtlp, hiddenFromXray } = record;
  const batch: { -readonly [Name in keyof SpanBatch]: SpanBatch[Name] } = {
    spans,
    xray,
    isSampledForOtlp,
    invocation: record,
  };
  if (!record.isClosed) batch.isRunning = true;
  if (hiddenFromXray !== undefined) batch.hiddenFromXray = hiddenFromXray;
  return batch;
}

/** Everything that has ended of an answered invocation; `Overhead` lasts until now. `lastFlushUs`: what the flush before it took. */
export function closeInvocation(
  record: InvocationRecord,
  scope: EndingScope,
  at: Instant,
  lastFlushUs: number,
): SpanBatch {
  const { server, handler } = record.phases;
  const isNew = !server.ended;
  const endedAt = record.answer?.at ?? record.outcome?.at ?? at;
  if (record.open.size > 0) endAnsweredCalls(record, at);
  const pauses = scope.collections()?.within(server.startedAt, endedAt);
  if (pauses !== undefined && pauses.count > 0) {
    handler.attributes['lambda.gc.count'] = pauses.count;
    handler.attributes['lambda.gc.pause_ms'] = milliseconds(pauses.totalMs);
  }
  endPhases(record, scope, endedAt);
  record.isClosed = true;
  const parent = server.spanContext();
  const overhead = new RecordedSpan(scope, {
    name: 'Overhead',
    kind: INTERNAL,
    spanContext: { ...parent, spanId: createSpanId() },
    parent,
    // A response that was held back was ready when the phases ended.
    startedAt: isNew ? endedAt : (record.outcome?.at ?? endedAt),
    attributes: lastFlushUs > 0 ? { 'spanstrap.previous_flush_us': lastFlushUs } : {},
  });
  overhead.endAt(at);
  record.count(1);
  record.ended.push(overhead);
  return takeEnded(record);
}

/** A response that nobody reads to its end has no end of its own. */
function endAnsweredCalls(record: InvocationRecord, at: Instant): void {
  for (const span of record.open) {
    if (isRecordedSpan(span) && 'http.response.status_code' in span.attributes) record.endCall(span, at);
  }
}

const milliseconds = (ms: number): number => Math.round(Math.max(0, ms) * 1e3) / 1e3;
