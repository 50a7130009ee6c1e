// Puts the tracer together: recorder, destinations, the stand-in for OpenTelemetry, the hook on outgoing calls. What is to be
// done is decided by the options; the parts know nothing of each other.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InvocationObserver } from '../runtime/lifecycle.ts';
import { ActiveContext, spanOf, UNTRACED_CONTEXT } from './active-context.ts';
import { Clock } from './clock.ts';
import { LateOutlet, type OpenedOutlet } from './export/late-outlet.ts';
import type { XrayMode } from './export/xray/phases.ts';
import { installOpenTelemetryApi } from './opentelemetry/global-api.ts';
import type { OpenTelemetrySdk, SdkOptions } from './opentelemetry/sdk.ts';
import { hookHttp } from './outgoing/http-hook.ts';
import type { XrayParentRule } from './parent.ts';
import { type InvocationRecord, Recorder } from './recorder.ts';
import { createResource, type ResourceFacts } from './resource.ts';
import type { Sampler } from './sampler.ts';
import { defaultTriggerOptions } from './triggers/trigger.ts';

export type TracingOptions = {
  /** Opens the way out, from a bundle of its own; called when the first spans leave. */
  openOutlet(): OpenedOutlet;
  /** Loads the OpenTelemetry SDK, from a bundle of its own. */
  createSdk(options: SdkOptions): OpenTelemetrySdk;
  readonly resource: ResourceFacts;
  /** How X-Ray draws; undefined: it does not. */
  readonly xrayMode: XrayMode | undefined;
  /** There is a destination for what the sampler decides on. */
  readonly hasOpenTelemetry: boolean;
  readonly sampler: Sampler;
  readonly xrayParent: XrayParentRule;
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

/** Installs tracing. To be called before user code is loaded. */
export function installTracing(options: TracingOptions): Tracing {
  const { xrayMode, report } = options;
  const clock = new Clock();
  const resource = createResource(options.resource);
  const outlet = new LateOutlet(options.openOutlet);
  if (options.loadsEagerly) outlet.openAhead();

  const active = new ActiveContext<InvocationRecord>((context, emitter) => sdk().bindEmitter(context, emitter));
  const recorder = new Recorder({
    clock,
    resource,
    instrumentationScope: { name: 'spanstrap', version: options.resource.distroVersion },
    active,
    // Our own requests are nobody's spans.
    outlet: {
      add: (batch) => outlet.add(batch),
      flush: (...args) => active.with(UNTRACED_CONTEXT, () => outlet.flush(...args)),
    },
    functionName: options.resource.functionName ?? 'unknown_function',
    functionVersion: options.resource.functionVersion ?? '$LATEST',
    hasXray: xrayMode !== undefined,
    drawsPhases: xrayMode !== undefined && xrayMode !== 'attach',
    hasOtlp: options.hasOpenTelemetry,
    sampler: options.sampler,
    xrayParentRule: options.xrayParent,
    isColdStart: options.isColdStart,
    isConcurrent: options.isConcurrent,
    trigger: { ...defaultTriggerOptions, region: options.resource.region },
  });

  let loadedSdk: OpenTelemetrySdk | undefined;
  const sdk = (): OpenTelemetrySdk => {
    loadedSdk ??= options.createSdk({
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
