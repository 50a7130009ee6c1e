// Puts the tracer together: recorder, destinations, the stand-in for OpenTelemetry, the hook on outgoing calls. What is to be
// done is decided by the options; the parts know nothing of each other.

import type { Context, TextMapPropagator } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Handful } from '../runtime/handful.ts';
import { type InvocationObserver, now } from '../runtime/lifecycle.ts';
import { ActiveContext, isSuppressed, ROOT_CONTEXT, spanOf, UNTRACED_CONTEXT, withSpan } from './active-context.ts';
import type { ArrivedInvocation, InvocationScope } from './arrived-invocation.ts';
import { Clock } from './clock.ts';
import type { CodeApi, CodeApiOptions } from './code-api/code-api.ts';
import { installCodeApi } from './code-api/install-code-api.ts';
import type { ConfiguredHooks, HookOptions } from './configure-hooks/configure-hooks.ts';
import type {
  AbruptEnd,
  Delivery,
  DeliveryState,
  DeliverySurroundings,
  LateDelivery,
  PresentInvocations,
} from './export/delivery.ts';
import type { XrayMode } from './export/xray/phases.ts';
import { FlightRecorder } from './flight-recorder.ts';
import type { GarbageCollections } from './garbage-collections.ts';
import { Heartbeat } from './heartbeat.ts';
import { InertSpan } from './inert-span.ts';
import type { CodePlace } from './opentelemetry/api-globals.ts';
import { type InstalledApi, installOpenTelemetryApi } from './opentelemetry/global-api.ts';
import type { OpenTelemetrySdk, SdkOptions } from './opentelemetry/sdk.ts';
import type { CallEnvironment } from './outgoing/call-scope.ts';
import { type CallOptions, installCalls } from './outgoing/install-calls.ts';
import type { XrayParentRule } from './parent.ts';
import { Recorder } from './recorder.ts';
import type { ContextExtractor, Recording, RecordingOptions } from './recording.ts';
import { type RouterOptions, watchRouters } from './routes/watch-routers.ts';
import type { Sampler } from './sampler.ts';
import { SelfProtection } from './self-protection.ts';
import { newSpanCounts } from './span-counts.ts';

/** What a recording gets of the tracer; the rest of its options is the business of whoever opens it. */
export type RecordingSurroundings = Omit<
  RecordingOptions,
  'resource' | 'recognise' | 'trigger' | 'contextRules' | 'messagingSpans' | 'messagingContext' | 'keep'
> & {
  loadPropagator(): TextMapPropagator;
};

export type TracingOptions = {
  /** Finds out what invocations are, from a bundle of its own; called when the first one is looked into. */
  openRecording(surroundings: Omit<RecordingSurroundings, 'parseBaggage'>): Recording;
  /** Opens the way out, from a bundle of its own; called when the first spans leave. */
  openDelivery(surroundings: DeliverySurroundings): Delivery;
  /** Loads the OpenTelemetry SDK, from a bundle of its own. */
  createSdk(options: SdkOptions): OpenTelemetrySdk;
  /** Which version of the API the code at a place is a copy of; from the bundle of the SDK. */
  findApiVersion(place: CodePlace): string | undefined;
  readonly calls: CallOptions;
  readonly routers: RouterOptions;
  /** From a bundle of its own, when user code calls it. */
  createCodeApi(options: CodeApiOptions): CodeApi;
  /** Asks the user's `configure*` functions, from a bundle of its own; undefined: there are none. */
  readonly applyHooks: ((options: HookOptions) => ConfiguredHooks) | undefined;
  /** Begins to observe the garbage collector; from a bundle that is loaded after the first response. */
  observeCollections(): GarbageCollections;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly distroVersion: string;
  /** How X-Ray draws; undefined: it does not. */
  readonly xrayMode: XrayMode | undefined;
  /** There is a destination for what the sampler decides on. */
  readonly hasOpenTelemetry: boolean;
  readonly sampler: Sampler;
  /** What the sampler does not want is kept all the same when it fails. */
  readonly keepsErrors: boolean;
  readonly xrayParent: XrayParentRule;
  /** Invocations that only keep the function warm are not recorded. */
  readonly dropsWarmUps: boolean;
  /** False where init was not waited for: provisioned concurrency. */
  readonly isColdStart: boolean;
  /** Several invocations run at once. */
  readonly isConcurrent: boolean;
  /** Load exporters during init, which costs nobody time there. */
  readonly loadsEagerly: boolean;
  /** Answers wait until what is recorded is sent. */
  readonly holdsResponse: boolean;
  /** What the processes of this environment leave for each other; undefined: nothing. */
  readonly flightPath: string | undefined;
  readonly loadModule: NodeJS.Require;
  /** One line of the tracer's own for the operator. */
  report(message: string): void;
};

/** For reports on the tracer itself. */
export type TracingState = {
  /** What the latest invocation was found to be; undefined where several may run at once. */
  readonly scope: InvocationScope | undefined;
  /** undefined: nothing has left. */
  readonly delivery: DeliveryState | undefined;
  /** The tracer's share of the init. */
  readonly initOwnMs: number;
};

export type Tracing = {
  readonly observer: InvocationObserver;
  /** The observer threw: after a number of faults it observes no more. */
  fault(error: unknown): void;
  /** The process exits, now: what can be sent without waiting is sent, the rest is left for the next one. Never throws. */
  exit(end: AbruptEnd): void;
  /** Ids of the span that is active here, for log lines. */
  activeTrace(): { readonly traceId: string; readonly spanId: string } | undefined;
  useExtractor(extract: ContextExtractor): void;
  /** Looks into the latest invocation, if nobody has: to be called after its response. */
  inspect(): TracingState;
};

/** Installs tracing. To be called before user code is loaded. */
export function installTracing(options: TracingOptions): Tracing {
  const startedAt = now();
  const { xrayMode, flightPath, report } = options;
  const clock = new Clock();
  const instrumentationScope = { name: 'spanstrap', version: options.distroVersion };
  const counts = newSpanCounts();
  const invocations: PresentInvocations = { flying: new Handful(), answered: [] };
  const protection = new SelfProtection(report);
  let initOwnMs = 0;
  let hooks: ConfiguredHooks | undefined;
  let collections = options.loadsEagerly ? options.observeCollections() : undefined;
  const active = new ActiveContext<ArrivedInvocation>((context, emitter) => sdk().bindEmitter(context, emitter));
  let loadedDelivery: Delivery | undefined;
  const delivery: LateDelivery = {
    get loaded() {
      return loadedDelivery;
    },
    load() {
      loadedDelivery ??= options.openDelivery({
        clock,
        resource: recorder.recording.resource,
        instrumentationScope,
        ...recorder.recording.invocations,
        collections: () => collections,
        counts,
        invocations,
        flight,
        initOwnMs: () => initOwnMs,
        untraced: (work) => active.with(UNTRACED_CONTEXT, work as () => ReturnType<typeof work>),
        others: () => hooks,
        fault: (error) => protection.fault(error),
      });
      return loadedDelivery;
    },
  };
  const flight =
    flightPath === undefined
      ? undefined
      : new FlightRecorder(flightPath, counts, (facts) => delivery.load().takeOver(facts));
  const { hasOpenTelemetry: hasOtlp, sampler, isConcurrent, functionName, dropsWarmUps } = options;
  const hasXray = xrayMode !== undefined;
  const drawsPhases = hasXray && xrayMode !== 'attach';
  const isOff = (): boolean => protection.isOff;
  const recorder = new Recorder({
    clock,
    active,
    delivery,
    invocations,
    flight,
    counts,
    holdsResponse: options.holdsResponse,
    isOff,
    attempt: (work) => protection.attempt(work),
    functionName,
    hasXray,
    drawsPhases,
    hasOtlp,
    sampler,
    keepsErrors: options.keepsErrors,
    xrayParent: options.xrayParent,
    dropsWarmUps,
    isConcurrent,
    heartbeat: new Heartbeat({ now: () => clock.now(), beaten: () => flight?.beat() }),
    collections(isToBegin) {
      if (isToBegin) collections ??= options.observeCollections();
      return collections;
    },
    openRecording: (changes) =>
      options.openRecording({
        clock,
        instrumentationScope,
        counts,
        isOff,
        functionName,
        functionVersion: options.functionVersion,
        hasXray,
        drawsPhases,
        hasOtlp,
        dropsWarmUps,
        isColdStart: options.isColdStart,
        loadPropagator: () => sdk().propagator,
        hasForeignTracer: () => api.hasForeignTracer(),
        ...changes,
      }),
    fault: (error) => protection.fault(error),
    runBeside(parent, handler) {
      const foreign = api.foreignContext();
      if (foreign === undefined) return handler();
      const context = parent();
      const span = context && new InertSpan(context);
      return foreign.with(span === undefined ? ROOT_CONTEXT : withSpan(ROOT_CONTEXT, span), handler);
    },
  });
  if (options.loadsEagerly) protection.attempt(() => delivery.load().openAhead());
  const activeTrace = () => spanOf(active.active())?.spanContext();

  let loadedSdk: OpenTelemetrySdk | undefined;
  const sdk = (): OpenTelemetrySdk => {
    if (loadedSdk !== undefined) return loadedSdk;
    const loadStartedAt = now();
    loadedSdk = options.createSdk({
      resource: recorder.recording.resource,
      clock,
      contextManager: active,
      ...hooks?.sdk,
      activeTrace: () => recorder.here(),
      // Called inside the user's own calls, which must not feel what goes wrong here.
      spanStarted(span: ReadableSpan, parent) {
        protection.attempt(() => recorder.spanStarted(span));
        hooks?.spanStarted(span, parent);
      },
      spanEnded: (span: ReadableSpan) => protection.attempt(() => recorder.spanEnded(span)),
    });
    const record = recorder.owner();
    if (record !== undefined) record.ownMs += now() - loadStartedAt;
    return loadedSdk;
  };
  const api: InstalledApi = installOpenTelemetryApi({
    context: active,
    isRecording: () => !protection.isOff && recorder.owner() !== undefined,
    loadProvider: () => sdk().provider,
    loadPropagator: () => hooks?.propagator ?? sdk().propagator,
    findApiVersion: options.findApiVersion,
    report,
  });
  /** The user's own context where he has one and is in one of his spans; ours everywhere else. */
  const activeContext = (): Context => {
    const foreign = api.foreignContext()?.active();
    return foreign !== undefined && (spanOf(foreign) !== undefined || isSuppressed(foreign))
      ? foreign
      : active.active();
  };
  const environment: CallEnvironment = {
    now: () => clock.now(),
    activeContext,
    spanContextOf: (context) => spanOf(context)?.spanContext(),
    here: () => recorder.here(),
    present: () => recorder.present(),
    runIn(context, work) {
      const foreign = api.foreignContext();
      const run = (): ReturnType<typeof work> => active.with(context, work as () => ReturnType<typeof work>);
      return foreign === undefined ? run() : foreign.with(context, run);
    },
    hasForeignTracer: api.hasForeignTracer,
    instrumentations: api.instrumentations,
    report,
  };
  installCodeApi(() =>
    options.createCodeApi({
      environment,
      invocations: recorder.recording.invocations,
      foreignTracer: api.foreignTracer,
    }),
  );
  let observer: InvocationObserver = recorder;
  let { calls } = options;
  hooks = options.applyHooks?.({
    get resourceAttributes() {
      return recorder.recording.resource.attributes;
    },
    provider: api.provider,
    report,
  });
  if (hooks !== undefined) {
    const { sampler = options.sampler, inject, extract, spanStarted } = hooks;
    recorder.configure({ sampler, spanStarted, inject });
    if (extract !== undefined) recorder.useExtractor(extract);
    observer = hooks.observe(recorder, (observation) => recorder.spanOf(observation));
    const instrumented = hooks.instrument();
    calls = { ...calls, isEnabled: (name) => !instrumented.has(name) && options.calls.isEnabled(name) };
  }
  // A user's own instrumentation of a framework says nothing of our span: his is no reason to leave the route out.
  const routers = watchRouters({ report, routedScope: () => recorder.arrivedHere() }, options.routers);
  installCalls(environment, calls, { provider: api.provider, loadModule: options.loadModule, routers });
  initOwnMs = now() - startedAt;
  return {
    observer,
    fault: (error) => protection.fault(error),
    exit: (end) => protection.attempt(() => recorder.exit(end)),
    activeTrace,
    useExtractor: (extract) => recorder.useExtractor(extract),
    inspect: () => ({ scope: recorder.present(), delivery: loadedDelivery?.state, initOwnMs }),
  };
}
