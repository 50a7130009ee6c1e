// What a killed invocation's own spans can be made of again. A tuple: it is written for every invocation, before the handler.

import type { ArrivedInvocation } from './arrived-invocation.ts';
import type { Clock } from './clock.ts';
import type { InvocationRecord } from './invocation-record.ts';
import type { KeepReason } from './keep-rules.ts';
import type { XrayParentRule } from './parent.ts';

export type FlightFacts = readonly [
  requestId: string,
  invokedFunctionArn: string,
  spanName: string,
  startedEpochMs: number,
  deadlineEpochMs: number,
  traceId: string,
  serverSpanId: string,
  invocationSpanId: string,
  /** Of the SERVER span, when it has one that is not of this process. */
  parentSpanId: string | undefined,
  /** The header's Root and Parent, when the invocation is drawn in X-Ray. */
  xrayTraceId: string | undefined,
  xrayParentId: string | undefined,
  /** What OTLP gets of it should the process be killed: all by the word of the sampler, all by a rule, or nothing. */
  otlpIfKilled: boolean | KeepReason,
];

/** What of the tracer's setting is in the facts of an invocation that nobody has looked into. */
type EarlySetting = {
  readonly functionName: string;
  readonly xrayParent: XrayParentRule;
  readonly keepsErrors: boolean;
};

/** Longer names would not leave room for the rest. */
const NAME_CHARS = 200;

export function flightFactsOf({ invocation, phases, xray, otlpIfKilled }: InvocationRecord, clock: Clock): FlightFacts {
  const { server, handler } = phases;
  const { traceId, spanId } = server.spanContext();
  return [
    invocation.requestId,
    invocation.invokedFunctionArn,
    server.name.slice(0, NAME_CHARS),
    clock.epochMs(server.startedAt),
    invocation.deadlineEpochMs,
    traceId,
    spanId,
    handler.spanContext().spanId,
    server.parentSpanContext?.spanId,
    xray?.traceId,
    xray?.parentId,
    otlpIfKilled,
  ];
}

/** Of an invocation that nobody has looked into: as far as Lambda's own header tells. `undefined`: it tells nothing. */
export function earlyFactsOf(
  { facts, invocation, serverSpanId, invocationSpanId }: ArrivedInvocation,
  clock: Clock,
  { functionName, xrayParent, keepsErrors }: EarlySetting,
): FlightFacts | undefined {
  const { header, isSampledForXray, isSampledForOtlp } = facts;
  if (header === undefined) return undefined;
  return [
    invocation.requestId,
    invocation.invokedFunctionArn,
    functionName,
    clock.epochMs(invocation.receivedAt),
    invocation.deadlineEpochMs,
    header.traceId,
    serverSpanId,
    invocationSpanId,
    xrayParent === 'root' ? undefined : header.parentId,
    isSampledForXray ? header.root : undefined,
    isSampledForXray ? header.parentId : undefined,
    isSampledForOtlp || (keepsErrors && 'errors'),
  ];
}
