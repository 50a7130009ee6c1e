// Puts the tracer together: recorder, destinations, the stand-in for OpenTelemetry, the hook on outgoing calls. What is to be
// done is decided by the options; the parts know nothing of each other.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InvocationObserver } from '../runtime/lifecycle.ts';
import { ActiveContext, spanOf } from './active-context.ts';
import { Clock } from './clock.ts';
import { Destination } from './export/destination.ts';
import type { Exporter } from './export/exporter.ts';
import type { OtlpExporterOptions } from './export/otlp/exporter.ts';
import { Outlet } from './export/outlet.ts';
import type { XrayExporterOptions, XrayMode } from './export/xray/exporter.ts';
import { installOpenTelemetryApi } from './opentelemetry/global-api.ts';
import type { OpenTelemetrySdk, SdkOptions } from './opentelemetry/sdk.ts';
import { hookHttp } from './outgoing/http-hook.ts';
import type { XrayParentRule } from './parent.ts';
import { liveErrors } from './recorded-span.ts';
import { type InvocationRecord, Recorder } from './recorder.ts';
import { createResource, type ResourceFacts } from './resource.ts';
import type { Sampler } from './sampler.ts';
import { defaultTriggerOptions } from './triggers/trigger.ts';

/** What is loaded only when it is needed, each from a bundle of its own. */
export type LazyParts = {
  createXrayExporter(options: XrayExporterOptions): Exporter;
  createOtlpExporter(options: OtlpExporterOptions): Exporter;
  createSdk(options: SdkOptions): OpenTelemetrySdk;
};

export type TracingOptions = {
  readonly parts: LazyParts;
  readonly resource: ResourceFacts;
  readonly xray: { readonly daemonAddress: string; readonly mode: XrayMode } | undefined;
  readonly otlp: (OtlpExporterOptions & { readonly sampler: Sampler; readonly xrayParent: XrayParentRule }) | undefined;
  readonly maxQueuedSpans: number;
  /** False where init was not waited for: provisioned concurrency. */
  readonly isColdStart: boolean;
  /** Several invocations run at once. */
  readonly isConcurrent: boolean;
  /** Load exporters during init, which costs nobody time there. */
  readonly loadsEagerly: boolean;
  readonly loadModule: NodeJS.Require;
  /** One line of the tracer's own for the operator. */
  report(message: string): void;
};

export type Tracing = {
  readonly observer: InvocationObserver;
  /** Ids of the span that is active here, for log lines. */
  activeTrace(): { readonly traceId: string; readonly spanId: string } | undefined;
};

/** Longest time a flush may keep the environment from being frozen, whatever the export's own time limit says. */
const FLUSH_SLACK_MS = 200;

/** Installs tracing. To be called before user code is loaded. */
export function installTracing(options: TracingOptions): Tracing {
  const { parts, xray, otlp, maxQueuedSpans, report } = options;
  const clock = new Clock();
  const resource = createResource(options.resource);
  const destinations: Destination[] = [];
  if (xray !== undefined) {
    destinations.push(
      new Destination({
        name: 'X-Ray',
        open: () =>
          parts.createXrayExporter({ ...xray, reportProblem: report, liveErrorOf: (event) => liveErrors.get(event) }),
        accepts: (batch) => batch.xray !== undefined,
        maxQueuedSpans,
        report,
      }),
    );
  }
  if (otlp !== undefined) {
    destinations.push(
      new Destination({
        name: 'OTLP',
        open: () => parts.createOtlpExporter(otlp),
        accepts: (batch) => batch.isSampledForOtlp,
        maxQueuedSpans,
        report,
      }),
    );
  }
  const outlet = new Outlet(destinations, (otlp?.timeoutMs ?? 0) + FLUSH_SLACK_MS);
  if (options.loadsEagerly) outlet.open();

  const active = new ActiveContext<InvocationRecord>((context, emitter) => sdk().bindEmitter(context, emitter));
  const recorder = new Recorder({
    clock,
    resource,
    instrumentationScope: { name: 'spanstrap', version: options.resource.distroVersion },
    active,
    outlet,
    functionName: options.resource.functionName ?? 'unknown_function',
    functionVersion: options.resource.functionVersion ?? '$LATEST',
    hasXray: xray !== undefined,
    drawsPhases: xray !== undefined && xray.mode !== 'attach',
    hasOtlp: otlp !== undefined,
    sampler: otlp?.sampler ?? { isSampled: () => false },
    xrayParentRule: otlp?.xrayParent ?? 'root',
    isColdStart: options.isColdStart,
    isConcurrent: options.isConcurrent,
    trigger: { ...defaultTriggerOptions, region: options.resource.region },
  });

  let loadedSdk: OpenTelemetrySdk | undefined;
  const sdk = (): OpenTelemetrySdk => {
    loadedSdk ??= parts.createSdk({
      resource,
      clock,
      contextManager: active,
      activeTrace: () => recorder.ownerOf(undefined),
      spanStarted: (span: ReadableSpan) => recorder.spanStarted(span),
      spanEnded: (span: ReadableSpan) => recorder.spanEnded(span),
    });
    return loadedSdk;
  };
  const isRecording = (): boolean => recorder.ownerOf(undefined) !== undefined;
  const isOurs = installOpenTelemetryApi({
    context: active,
    isRecording,
    loadProvider: () => sdk().provider,
    loadPropagator: () => sdk().propagator,
    report,
  });
  if (isOurs) {
    hookHttp({
      isRecording,
      instrument: (module, originals) => sdk().http.instrument(module, originals),
      load: (module) => options.loadModule(`node:${module}`),
      report,
    });
  } else {
    report('another OpenTelemetry setup was there first: its spans are its own, the phases are still traced');
  }
  return { observer: recorder, activeTrace: () => spanOf(active.active())?.spanContext() };
}
