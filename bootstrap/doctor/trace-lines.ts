// The trace of the invocation: the header that came, and what was decided by it.

import type { InvocationScope } from '../../instrumentation/arrived-invocation.ts';
import type { InvocationRecord } from '../../instrumentation/invocation-record.ts';
import type { KeepReason, KeepRules } from '../../instrumentation/keep-rules.ts';
import { parseTraceHeader, type TraceHeader } from '../../instrumentation/trace-header.ts';
import type { TracingOptions } from '../../instrumentation/tracing.ts';
import type { Settings } from '../settings/settings.ts';
import type { Line } from './report-text.ts';

export type TraceFacts = {
  readonly settings: Pick<Settings, 'sampler' | 'samplerRatio' | 'keepRules' | 'dropsWarmUps'>;
  readonly choice: Pick<TracingOptions, 'xrayMode' | 'hasOpenTelemetry' | 'xrayParent'> | undefined;
  readonly scope: InvocationScope | undefined;
};

export function traceLines({ settings, choice, scope }: TraceFacts): Line[] {
  if (choice === undefined) return [];
  if (scope === undefined) return [['header', 'not known: there was no invocation, or several may run at once']];
  const { xrayHeader } = scope;
  const header = parseTraceHeader(xrayHeader);
  const seen =
    xrayHeader === undefined
      ? 'none: Lambda sent no trace header'
      : header === undefined
        ? `unreadable: ${xrayHeader.slice(0, 160)}`
        : header.text;
  const lines: Line[] = [['header', seen]];
  const record = scope.isRecorded ? (scope as InvocationRecord) : undefined;
  if (choice.xrayMode !== undefined)
    lines.push([
      'X-Ray',
      record?.isSampledForXray ? 'recorded: the header says Sampled=1' : whyNotInXray(header, settings),
    ]);
  if (choice.hasOpenTelemetry) lines.push(['OTLP', decisionOf(record, settings)]);
  if (record !== undefined) lines.push(...parentLines(record, header, choice.xrayParent));
  return lines;
}

function whyNotInXray(header: TraceHeader | undefined, { dropsWarmUps }: TraceFacts['settings']): string {
  if (header === undefined) return 'not recorded: without a header there is no segment to hang spans under';
  if (header.sampled === undefined) return 'not recorded: the header has no decision in it';
  if (!header.sampled)
    return 'not recorded: the header says Sampled=0 (Active tracing is off, a sampling rule says no, or the role may not write to X-Ray)';
  if (header.parentId === undefined) return 'not recorded: the header has no Parent';
  return dropsWarmUps
    ? 'not recorded: a warm-up (SPANSTRAP_DROP_WARM_UPS)'
    : 'not recorded: the tracer has switched itself off';
}

function decisionOf(record: InvocationRecord | undefined, settings: TraceFacts['settings']): string {
  const { sampler, samplerRatio, keepRules, dropsWarmUps } = settings;
  const ratio = sampler.endsWith('ratio') ? ` with ${samplerRatio}` : '';
  const rule = `OTEL_TRACES_SAMPLER is ${sampler}${ratio}`;
  if (record?.keptBecause) return `kept: ${KEPT[record.keptBecause]} (SPANSTRAP_OTLP_KEEP); ${rule}`;
  if (record?.isSampledForOtlp) return `recorded: ${rule}`;
  const kept =
    keepRules === undefined ? '' : `, and it is nothing that SPANSTRAP_OTLP_KEEP keeps (${textOf(keepRules)})`;
  return `not recorded: ${rule}${kept}${dropsWarmUps ? ', or it was a warm-up (SPANSTRAP_DROP_WARM_UPS)' : ''}`;
}

const KEPT: Readonly<Record<KeepReason, string>> = {
  errors: 'it failed',
  deadline: 'it came near to its deadline',
  slow: 'it was slow',
  cold: 'it was a cold start',
};

function textOf({ errors, cold, slowMs }: KeepRules): string {
  return [
    ...(errors ? ['errors'] : []),
    ...(cold ? ['cold'] : []),
    ...(slowMs === undefined ? [] : [`slow=${slowMs}ms`]),
  ].join();
}

function parentLines({ phases, trigger }: InvocationRecord, header: TraceHeader | undefined, rule: string): Line[] {
  const { server } = phases;
  const { traceId } = server.spanContext();
  const parent = server.parentSpanContext;
  const links = server.links.length;
  const others = links === 0 ? '' : `; ${links} other${links === 1 ? ' is' : 's are'} linked to`;
  const isHeaders = header?.traceId === traceId;
  const why =
    parent === undefined
      ? isHeaders
        ? `none, in the header's trace (SPANSTRAP_OTLP_XRAY_PARENT: ${rule})`
        : 'none, in a new trace: nothing came that is read (OTEL_PROPAGATORS)'
      : isHeaders && parent.spanId === header.parentId
        ? `${parent.spanId}, X-Ray's segment that the header names (SPANSTRAP_OTLP_XRAY_PARENT: ${rule})`
        : `${parent.spanId}, from the context that came with the event`;
  return [
    ['event', trigger.source],
    ['trace id', traceId],
    ['parent', `${why}${others}`],
  ];
}
