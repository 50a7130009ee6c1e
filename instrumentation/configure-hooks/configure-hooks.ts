// Calls the `configure*` functions of a function that was written for OpenTelemetry's Lambda layer, and makes of what they return what
// the tracer can use. A function that throws costs one line, and is as if it were not there. Names and meaning: the README of
// open-telemetry/opentelemetry-lambda, nodejs/packages/layer.

import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  type Span,
  type SpanContext,
  type TextMapPropagator,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { IdGenerator, ReadableSpan, Sampler as SdkSampler, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { FlushReason, InvocationObserver } from '../../runtime/lifecycle.ts';
import { ROOT_CONTEXT } from '../active-context.ts';
import { createContextExtractor, type UserExtractor } from '../context-extractor.ts';
import type { SdkOptions } from '../opentelemetry/sdk.ts';
import type { Carrier } from '../outgoing/propagation.ts';
import type { ContextExtractor } from '../recording.ts';
import type { Sampler } from '../sampler.ts';
import { type LambdaHooks, withLambdaHooks } from './lambda-hooks.ts';
import { createProviderFacade, createResourceFacade } from './provider-facade.ts';
import { UserProcessors } from './user-processors.ts';

export type HookOptions = {
  /** Of the resource; what the user adds is put in. */
  readonly resourceAttributes: Attributes;
  /** Ours, which may not be asked for spans yet. */
  readonly provider: TracerProvider;
  report(message: string): void;
};

/** What the user's functions have configured. */
export type ConfiguredHooks = {
  readonly sampler: Sampler | undefined;
  /** For the spans that the SDK makes. */
  readonly sdk: Pick<SdkOptions, 'spanLimits' | 'idGenerator'>;
  readonly propagator: TextMapPropagator | undefined;
  /** Writes the user's headers into an outgoing call. */
  readonly inject: ((carrier: Carrier, context: Context, spanContext: SpanContext | undefined) => void) | undefined;
  readonly extract: ContextExtractor | undefined;
  /** Hands our provider to the user's instrumentations; their names, as in `OTEL_NODE_ENABLED_INSTRUMENTATIONS`. */
  instrument(): ReadonlySet<string>;
  observe(observer: InvocationObserver, spanOf: (observation: object) => Span | undefined): InvocationObserver;
  spanStarted(span: ReadableSpan, parent: Context): void;
  spansEnded(spans: readonly ReadableSpan[]): void;
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
};

type TracerConfig = {
  readonly resource?: { readonly attributes?: Attributes };
  readonly sampler?: SdkSampler;
  readonly spanLimits?: SdkOptions['spanLimits'];
  readonly idGenerator?: IdGenerator;
  readonly spanProcessors?: readonly SpanProcessor[];
};

type Instrumentation = {
  readonly instrumentationName?: string;
  setTracerProvider?(provider: TracerProvider): void;
  getConfig?(): { readonly enabled?: boolean };
  enable?(): void;
};

type Hooks = {
  configureTracer(config: TracerConfig): TracerConfig;
  configureTracerProvider(provider: object): void;
  configureSdkRegistration(config: object): { propagator?: TextMapPropagator | null; contextManager?: unknown };
  configureInstrumentations(): readonly (Instrumentation | readonly Instrumentation[])[];
  configureLambdaInstrumentation(config: object): LambdaHooks & { eventContextExtractor?: UserExtractor };
};

/** They concern what the runtime does in a way of its own, or not at all. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  configureAwsInstrumentation: 'calls of AWS are traced on the wire',
  configureMeter: 'the runtime makes no metrics with the SDK',
  configureMeterProvider: 'the runtime makes no metrics with the SDK',
  configureLoggerProvider: 'the runtime makes no log records with the SDK',
};

export function applyConfigureHooks(options: HookOptions, maxFlushMs: number): ConfiguredHooks {
  const { resourceAttributes, provider } = options;
  const told = new Set<string>();
  const report = (problem: string): void => {
    if (told.size < 20 && !told.has(problem)) options.report(problem);
    told.add(problem);
  };
  const call = <Name extends keyof Hooks>(
    name: Name,
    ...args: Parameters<Hooks[Name]>
  ): ReturnType<Hooks[Name]> | undefined => {
    const hook: unknown = (globalThis as Partial<Record<string, unknown>>)[name];
    if (typeof hook !== 'function') return undefined;
    try {
      return Reflect.apply(hook, globalThis, args) ?? undefined;
    } catch (error) {
      report(`${name} failed, as if it were not there: ${error}`);
      return undefined;
    }
  };
  const processors = new UserProcessors(maxFlushMs, report);

  const config = call('configureTracer', { resource: createResourceFacade(resourceAttributes) }) ?? {};
  Object.assign(resourceAttributes, config.resource?.attributes);
  for (const processor of config.spanProcessors ?? []) processors.add(processor);
  call('configureTracerProvider', createProviderFacade(provider, resourceAttributes, processors));
  const { propagator = undefined, contextManager } = call('configureSdkRegistration', {}) ?? {};
  if (contextManager) report('the contextManager of configureSdkRegistration is not used: the runtime has its own');
  const lambda = call('configureLambdaInstrumentation', {}) ?? {};
  for (const [name, reason] of Object.entries(WITHOUT_EFFECT)) {
    if (name in globalThis) report(`${name} has no effect: ${reason}`);
  }

  const extract = lambda.eventContextExtractor ?? (propagator && extractHeaders(propagator));
  return {
    sampler: config.sampler && adaptSampler(config.sampler),
    sdk: {
      ...(config.spanLimits && { spanLimits: config.spanLimits }),
      ...(config.idGenerator && { idGenerator: config.idGenerator }),
    },
    propagator: propagator ?? undefined,
    inject: propagator
      ? (...call) => {
          try {
            injectInto(propagator, ...call);
          } catch (error) {
            report(`the propagator of configureSdkRegistration failed: ${error}`);
          }
        }
      : undefined,
    extract: extract ? createContextExtractor(extract, report) : undefined,
    instrument() {
      const instrumentations = call('configureInstrumentations')?.flat() ?? [];
      const names = new Set<string>();
      for (const one of instrumentations as readonly Instrumentation[]) {
        one.setTracerProvider?.(provider);
        // All others are enabled when they are made.
        if (one.getConfig?.().enabled === false) one.enable?.();
        const [, name] = /instrumentation-(.+)$/.exec(one.instrumentationName ?? '') ?? [];
        if (name !== undefined) names.add(name);
      }
      return names;
    },
    observe: (observer, spanOf) =>
      lambda.requestHook || lambda.responseHook ? withLambdaHooks(observer, lambda, spanOf, report) : observer,
    spanStarted: (span, parent) => processors.started(span, parent),
    spansEnded: (spans) => processors.ended(spans),
    flush: (reason, deadlineEpochMs) => processors.flush(reason, deadlineEpochMs),
  };
}

/** The headers of an event: where OpenTelemetry's layer looks. */
function extractHeaders(propagator: TextMapPropagator): UserExtractor {
  return (event) => {
    const { headers } = Object(event) as { headers?: unknown };
    if (typeof headers !== 'object' || headers === null) return undefined;
    const byName = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    return propagator.extract(ROOT_CONTEXT, byName, defaultTextMapGetter);
  };
}

function injectInto(
  propagator: TextMapPropagator,
  carrier: Carrier,
  context: Context,
  spanContext: SpanContext | undefined,
): void {
  const where = spanContext === undefined ? context : trace.setSpanContext(context, spanContext);
  propagator.inject(where, carrier, {
    set(to: Carrier, name, value) {
      to.set(name, value);
    },
  });
}

const SAMPLED = 1;
const RECORD_AND_SAMPLED = 2;
const SERVER = 1;
/** Samplers look at the parent's decision, not at who it was. */
const SOME_SPAN_ID = 'f'.repeat(16);

function adaptSampler(sampler: SdkSampler): Sampler {
  return {
    isSampled(traceId, isParentSampled) {
      const context =
        isParentSampled === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, {
              traceId,
              spanId: SOME_SPAN_ID,
              traceFlags: isParentSampled ? SAMPLED : 0,
              isRemote: true,
            });
      return sampler.shouldSample(context, traceId, 'Invocation', SERVER, {}, []).decision === RECORD_AND_SAMPLED;
    },
  };
}
