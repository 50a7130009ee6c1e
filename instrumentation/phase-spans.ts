// The spans that an invocation has of itself: SERVER, Invocation and, for messages, the CONSUMER between it and the handler.

import type { SpanContext } from '@opentelemetry/api';
import type { ArrivedInvocation } from './arrived-invocation.ts';
import { createSpanId } from './ids.ts';
import { describeInvocation, type InvocationFacts } from './invocation-attributes.ts';
import { linksOf } from './message-links.ts';
import type { ContextRules, Parentage } from './parent.ts';
import { RecordedSpan, type RecordingScope } from './recorded-span.ts';
import type { Trigger } from './triggers/trigger.ts';

const INTERNAL = 0;
const SERVER = 1;
const CONSUMER = 4;
const SAMPLED = 1;
/** W3C Trace Context, level 2: the trace id is random. To be handed on as it came. */
const RANDOM = 2;

export type PhaseOptions = RecordingScope & {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly contextRules: ContextRules;
  /** The processing of messages has a span of its own below `Invocation`, or is the span of the invocation itself. */
  readonly messagingSpans: 'nested' | 'flat';
};

export type PhaseDecisions = Omit<InvocationFacts, 'functionVersion' | 'frozenMs'> & {
  readonly isSampledForOtlp: boolean;
  /** What W3C headers say: OTLP's decision, or X-Ray's where there is no OTLP destination to decide for. */
  readonly isSampledForW3c: boolean;
  /** The only message's context has become the parent: it needs no link. */
  readonly isMessageParent: boolean;
};

export type PhaseSpans = {
  readonly server: RecordedSpan;
  /** `Invocation`. */
  readonly handler: RecordedSpan;
  readonly consumer: RecordedSpan | undefined;
  /** Each below the one before it. */
  readonly all: readonly RecordedSpan[];
};

export function startPhases(
  options: PhaseOptions,
  { invocation, serverSpanId, invocationSpanId, facts: { frozenMs } }: ArrivedInvocation,
  trigger: Trigger,
  parentage: Parentage,
  decisions: PhaseDecisions,
): PhaseSpans {
  const { traceId, parent } = parentage;
  const traceState = parent?.traceState;
  const traceFlags = (decisions.isSampledForW3c ? SAMPLED : 0) | ((parent?.traceFlags ?? 0) & RANDOM);
  const contextOf = (spanId: string): SpanContext =>
    traceState ? { traceId, spanId, traceFlags, traceState } : { traceId, spanId, traceFlags };

  const startedAt = invocation.receivedAt;
  const { consumer } = trigger;
  const isFlat = consumer !== undefined && options.messagingSpans === 'flat';
  const isNested = consumer !== undefined && !isFlat;
  const messageLinks = decisions.isMessageParent ? [] : linksOf(trigger, options.contextRules);
  const { functionVersion } = options;
  const { isColdStart } = decisions;
  const attributes = describeInvocation(invocation, trigger, parentage, { isColdStart, functionVersion, frozenMs });
  const serverContext = contextOf(serverSpanId);
  const server = new RecordedSpan(options, {
    name: (isFlat ? consumer.name : trigger.spanName) ?? options.functionName,
    kind: isFlat ? CONSUMER : SERVER,
    spanContext: serverContext,
    parent,
    startedAt,
    attributes: isFlat ? { ...attributes, ...consumer.attributes } : attributes,
    links: isNested ? parentage.links : messageLinks.concat(parentage.links),
  });
  const handler = new RecordedSpan(options, {
    name: 'Invocation',
    kind: INTERNAL,
    spanContext: contextOf(invocationSpanId),
    parent: serverContext,
    startedAt,
    attributes: {},
  });
  if (!isNested) return { server, handler, consumer: undefined, all: [server, handler] };
  const processing = new RecordedSpan(options, {
    name: consumer.name,
    kind: CONSUMER,
    spanContext: contextOf(createSpanId()),
    parent: handler.spanContext(),
    startedAt,
    attributes: consumer.attributes,
    links: messageLinks,
  });
  return { server, handler, consumer: processing, all: [server, handler, processing] };
}
