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

/**
 * A copy of the API accepts globals whose minor version is not below its own, so this is the newest one there is.
 * Proven against the installed package in the tests.
 */
export const API_VERSION = '1.10.0';
/** Of the SDK in the `opentelemetry` bundle; the tests hold it against the installed package. */
export const SDK_VERSION = '3.1.1';

const GLOBAL_KEY = Symbol.for('opentelemetry.js.api.1');
const NO_SPAN_CONTEXT = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

export type OpenTelemetryGlobals = {
  readonly context: ContextManager;
  /** False: nothing is recorded here, a span started now only carries its parent's ids on. */
  isRecording(): boolean;
  loadProvider(): TracerProvider;
  loadPropagator(): TextMapPropagator;
};

/** Registers trace, context and propagation. Returns false, and does nothing, when another tracer was there first. */
export function installOpenTelemetryApi(globals: OpenTelemetryGlobals): boolean {
  const holder = globalThis as { [GLOBAL_KEY]?: object };
  if (holder[GLOBAL_KEY] !== undefined) return false;
  const api = Object.defineProperty({}, 'version', { value: API_VERSION, enumerable: true });
  holder[GLOBAL_KEY] = Object.assign(api, {
    trace: new DeferredTracerProvider(globals),
    context: globals.context,
    propagation: new DeferredPropagator(globals),
  });
  return true;
}

class DeferredTracerProvider implements TracerProvider {
  readonly #globals: OpenTelemetryGlobals;

  constructor(globals: OpenTelemetryGlobals) {
    this.#globals = globals;
  }

  getTracer(...identity: Parameters<TracerProvider['getTracer']>): Tracer {
    return new DeferredTracer(this.#globals, identity);
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
  readonly #identity: Parameters<TracerProvider['getTracer']>;
  #tracer: Tracer | undefined;

  constructor(globals: OpenTelemetryGlobals, identity: Parameters<TracerProvider['getTracer']>) {
    this.#globals = globals;
    this.#identity = identity;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    if (!this.#globals.isRecording()) {
      const parent = spanOf(context ?? this.#globals.context.active());
      return new InertSpan(parent?.spanContext() ?? NO_SPAN_CONTEXT);
    }
    this.#tracer ??= this.#globals.loadProvider().getTracer(...this.#identity);
    return this.#tracer.startSpan(name, options, context);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the API's own overloads
  startActiveSpan(name: string, ...rest: any[]): any {
    const work = rest.pop() as (span: Span) => unknown;
    const [options, context = this.#globals.context.active()] = rest as [SpanOptions?, Context?];
    const span = this.startSpan(name, options, context);
    return this.#globals.context.with(withSpan(context, span), work, undefined, span);
  }
}

class DeferredPropagator implements TextMapPropagator {
  readonly #globals: OpenTelemetryGlobals;

  constructor(globals: OpenTelemetryGlobals) {
    this.#globals = globals;
  }

  inject(...args: Parameters<TextMapPropagator['inject']>): void {
    this.#globals.loadPropagator().inject(...args);
  }

  extract(...args: Parameters<TextMapPropagator['extract']>): Context {
    return this.#globals.loadPropagator().extract(...args);
  }

  fields(): string[] {
    return this.#globals.loadPropagator().fields();
  }
}
