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
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { FlushReason, InvocationObserver } from '../../runtime/lifecycle.ts';
import { ROOT_CONTEXT } from '../active-context.ts';
import { createContextExtractor, type UserExtractor } from '../context-extractor.ts';
import type { Carrier } from '../outgoing/propagation.ts';
import type { ContextExtractor } from '../recording.ts';
import { type LambdaHooks, withLambdaHooks } from './lambda-hooks.ts';
import { createProviderFacade, createResourceFacade } from './provider-facade.ts';
import { type TracerChanges, type TracerConfig, useTracerConfig } from './tracer-config.ts';
import { UserProcessors } from './user-processors.ts';

export type HookOptions = {
  /** Of the resource; what the user adds is put in. */
  readonly resourceAttributes: Attributes;
  /** Ours, which may not be asked for spans yet. */
  readonly provider: TracerProvider;
  report(message: string): void;
};

/** What the user's functions have configured. */
export type ConfiguredHooks = TracerChanges & {
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
    // Bounded: a problem may have another text every time.
    if (told.size >= 20 || told.has(problem)) return;
    told.add(problem);
    options.report(problem);
  };
  const attempt = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      report(`${what} failed, as if it were not there: ${error}`);
    }
  };
  const call = <Name extends keyof Hooks>(
    name: Name,
    ...args: Parameters<Hooks[Name]>
  ): ReturnType<Hooks[Name]> | undefined => {
    let returned: unknown;
    attempt(name, () => {
      const hook: unknown = (globalThis as Partial<Record<string, unknown>>)[name];
      if (typeof hook === 'function') returned = Reflect.apply(hook, globalThis, args);
    });
    if (typeof returned !== 'object' || returned === null) return undefined;
    if (!(returned instanceof Promise)) return returned as ReturnType<Hooks[Name]>;
    report(`${name} returned a promise, which nobody can wait for here: as if it were not there`);
    returned.catch(() => {});
    return undefined;
  };
  const processors = new UserProcessors(maxFlushMs, report);

  const config = call('configureTracer', { resource: createResourceFacade(resourceAttributes) }) ?? {};
  const changes = useTracerConfig(config, { resourceAttributes, processors, attempt, report });
  call('configureTracerProvider', createProviderFacade(provider, resourceAttributes, processors));
  const { propagator = undefined, contextManager } = call('configureSdkRegistration', {}) ?? {};
  if (contextManager) report('the contextManager of configureSdkRegistration is not used: the runtime has its own');
  const lambda = call('configureLambdaInstrumentation', {}) ?? {};
  for (const [name, reason] of Object.entries(WITHOUT_EFFECT)) {
    if (name in globalThis) report(`${name} has no effect: ${reason}`);
  }

  const extract = lambda.eventContextExtractor ?? (propagator && extractHeaders(propagator));
  return {
    ...changes,
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
      const returned: unknown = call('configureInstrumentations') ?? [];
      const names = new Set<string>();
      if (!Array.isArray(returned)) report('configureInstrumentations returned no list');
      for (const one of Array.isArray(returned) ? returned.flat() : []) {
        try {
          const name = instrumentWith(one ?? {}, provider);
          if (name !== undefined) names.add(name);
        } catch (error) {
          report(`an instrumentation of configureInstrumentations failed: ${error}`);
        }
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

/** Returns what it is called in `OTEL_NODE_ENABLED_INSTRUMENTATIONS`. */
function instrumentWith(instrumentation: Instrumentation, provider: TracerProvider): string | undefined {
  instrumentation.setTracerProvider?.(provider);
  // All others are enabled when they are made.
  if (instrumentation.getConfig?.()?.enabled === false) instrumentation.enable?.();
  return /instrumentation-(.+)$/.exec(instrumentation.instrumentationName ?? '')?.[1];
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
