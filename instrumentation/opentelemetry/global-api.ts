// Stands in for OpenTelemetry before it is loaded: user code that touches the API, in any module system and any bundled copy
// of `@opentelemetry/api` 1.x, meets this first. The SDK is evaluated when the first span of an invocation that is recorded
// is started, or when a context is injected.

import type {
  Context,
  ContextManager,
  Span,
  SpanOptions,
  TextMapPropagator,
  Tracer,
  TracerProvider,
} from '@opentelemetry/api';
import { spanOf, withSpan } from '../active-context.ts';
import { InertSpan } from '../inert-span.ts';
import { type CodePlace, type GlobalName, registerGlobals } from './api-globals.ts';

/**
 * A copy of the API accepts globals whose minor version is not below its own: this one is above all that there will be. What has been
 * added to the API within 1.x so far are optional parameters and whole other signals.
 */
export const API_VERSION = '1.999.0';
/** Of the SDK in the `opentelemetry` bundle; the tests hold it against the installed package. */
export const SDK_VERSION = '3.1.1';

const NO_SPAN_CONTEXT = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

export type OpenTelemetryGlobals = {
  readonly context: ContextManager;
  /** False: nothing is recorded here, a span started now only carries its parent's ids on. */
  isRecording(): boolean;
  loadProvider(): TracerProvider;
  loadPropagator(): TextMapPropagator;
  /** Which version of the API the code at a place is a copy of; undefined: it cannot be told. */
  findApiVersion(place: CodePlace): string | undefined;
  /** Tells of a failure of our own; user code goes on untraced. */
  report(message: string): void;
};

export type InstalledApi = {
  /** Ours, whoever is registered. */
  readonly provider: TracerProvider;
  /** A provider of the user's own is registered. */
  hasForeignTracer(): boolean;
  /** Instrumentations of OpenTelemetry's that have asked for a tracer; undefined: somebody was there before us to be asked. */
  readonly instrumentations: Set<string> | undefined;
  /** A tracer of the user's own provider; undefined: there is none. */
  foreignTracer(): Tracer | undefined;
  /** The context manager of the user's own, when he has registered one. */
  foreignContext(): ContextManager | undefined;
};

/** Registers trace, context and propagation, until user code registers its own; what was there before us stays. */
export function installOpenTelemetryApi(globals: OpenTelemetryGlobals): InstalledApi {
  let isReported = false;
  const fail = (error: unknown): void => {
    if (!isReported) globals.report(`OpenTelemetry could not be loaded, spans of user code are lost: ${error}`);
    isReported = true;
  };
  const load = loadOnce(globals.loadProvider, fail);
  const foreign = (name: GlobalName): unknown => registered.foreign(name);
  const instrumentations = new Set<string>();
  const registered = registerGlobals(
    API_VERSION,
    {
      // What somebody got from us before he registered his own goes to that from then on, as with the API's own stand-in.
      trace: new DeferredTracerProvider(
        globals,
        load,
        () => foreign('trace') as TracerProvider | undefined,
        instrumentations,
      ),
      context: globals.context,
      propagation: new DeferredPropagator(loadOnce(globals.loadPropagator, fail)),
    },
    (place) => {
      const version = globals.findApiVersion(place);
      if (version === undefined) {
        globals.report(
          `a copy of @opentelemetry/api in ${place.file} could not register an SDK: its version is unknown`,
        );
      }
      return version;
    },
  );
  return {
    provider: new DeferredTracerProvider(globals, load, () => undefined),
    hasForeignTracer: () => foreign('trace') !== undefined,
    instrumentations: foreign('trace') === undefined ? instrumentations : undefined,
    foreignTracer: () => (foreign('trace') as TracerProvider | undefined)?.getTracer('spanstrap'),
    foreignContext: () => foreign('context') as ContextManager | undefined,
  };
}

/** undefined: it could not be loaded, and is not tried again. */
type Deferred<T> = () => T | undefined;

function loadOnce<T>(load: () => T, fail: (error: unknown) => void): Deferred<T> {
  let loaded: T | undefined;
  let isTried = false;
  return () => {
    if (isTried) return loaded;
    isTried = true;
    try {
      loaded = load();
    } catch (error) {
      fail(error);
    }
    return loaded;
  };
}

class DeferredTracerProvider implements TracerProvider {
  readonly #globals: OpenTelemetryGlobals;
  readonly #provider: Deferred<TracerProvider>;
  readonly #foreign: () => TracerProvider | undefined;
  readonly #instrumentations: Set<string> | undefined;

  constructor(
    globals: OpenTelemetryGlobals,
    provider: Deferred<TracerProvider>,
    foreign: () => TracerProvider | undefined,
    instrumentations?: Set<string>,
  ) {
    this.#globals = globals;
    this.#provider = provider;
    this.#foreign = foreign;
    this.#instrumentations = instrumentations;
  }

  getTracer(...identity: Parameters<TracerProvider['getTracer']>): Tracer {
    if (/^@opentelemetry\/i/.test(identity[0])) this.#instrumentations?.add(identity[0]);
    return new DeferredTracer(
      this.#globals,
      () => this.#provider()?.getTracer(...identity),
      () => this.#foreign()?.getTracer(...identity),
    );
  }

  /** Older copies of the API ask a registered proxy provider for these two. */
  getDelegate(): this {
    return this;
  }

  getDelegateTracer(...identity: Parameters<TracerProvider['getTracer']>): Tracer {
    return this.getTracer(...identity);
  }
}

class DeferredTracer implements Tracer {
  readonly #globals: OpenTelemetryGlobals;
  readonly #load: Deferred<Tracer>;
  readonly #loadForeign: Deferred<Tracer>;
  #tracer: Tracer | undefined;
  #foreign: Tracer | undefined;

  constructor(globals: OpenTelemetryGlobals, load: Deferred<Tracer>, loadForeign: Deferred<Tracer>) {
    this.#globals = globals;
    this.#load = load;
    this.#loadForeign = loadForeign;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    this.#foreign ??= this.#loadForeign();
    if (this.#foreign !== undefined) return this.#foreign.startSpan(name, options, context);
    if (this.#globals.isRecording()) {
      this.#tracer ??= this.#load();
      if (this.#tracer !== undefined) return this.#tracer.startSpan(name, options, context);
    }
    const parent = spanOf(context ?? this.#globals.context.active());
    return new InertSpan(parent?.spanContext() ?? NO_SPAN_CONTEXT);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the API's own overloads
  startActiveSpan(name: string, ...rest: any[]): any {
    this.#foreign ??= this.#loadForeign();
    if (this.#foreign !== undefined) {
      return Reflect.apply(this.#foreign.startActiveSpan, this.#foreign, [name, ...rest]);
    }
    const work = rest.pop() as ((span: Span) => unknown) | undefined;
    // As the SDK does.
    if (work === undefined) return undefined;
    const [options, given] = rest as [SpanOptions?, Context?];
    const context = given ?? this.#globals.context.active();
    const span = this.startSpan(name, options, context);
    return this.#globals.context.with(withSpan(context, span), work, undefined, span);
  }
}

class DeferredPropagator implements TextMapPropagator {
  readonly #propagator: Deferred<TextMapPropagator>;

  constructor(propagator: Deferred<TextMapPropagator>) {
    this.#propagator = propagator;
  }

  inject(...args: Parameters<TextMapPropagator['inject']>): void {
    this.#propagator()?.inject(...args);
  }

  extract(...args: Parameters<TextMapPropagator['extract']>): Context {
    return this.#propagator()?.extract(...args) ?? args[0];
  }

  fields(): string[] {
    return this.#propagator()?.fields() ?? [];
  }
}
