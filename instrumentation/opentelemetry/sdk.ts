// The OpenTelemetry SDK with everything that hangs on it, in a bundle of its own: evaluated when the first span of user code is
// started, never on the way to the first response of a function that starts none.

import type {
  TracerProvider as ApiTracerProvider,
  Context,
  ContextManager,
  TextMapPropagator,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { type ReadableSpan, SamplingDecision, type Span, TracerProvider } from '@opentelemetry/sdk-trace-base';
import { now } from '../../runtime/lifecycle.ts';
import type { Clock } from '../clock.ts';
import { createSpanId, createTraceId } from '../ids.ts';
import type { OutgoingTrace } from '../outgoing/propagation.ts';
import { openPerformance } from '../performance-clock.ts';
import { XrayPropagator } from './xray-propagator.ts';

export type SdkOptions = {
  /** Of the spans that the SDK makes: the user's and the instrumentations'. Its own defaults when absent. */
  readonly spanLimits?: NonNullable<ConstructorParameters<typeof TracerProvider>[0]>['spanLimits'];
  /** Absent: ids as everywhere else in the runtime. */
  readonly idGenerator?: NonNullable<ConstructorParameters<typeof TracerProvider>[0]>['idGenerator'];
  readonly resource: ReadableSpan['resource'];
  readonly clock: Clock;
  readonly contextManager: ContextManager;
  /** What outgoing calls made here continue in X-Ray. */
  activeTrace():
    | (Pick<OutgoingTrace, 'xrayHeader' | 'isSampledForXray'> & { readonly isSampledForW3c?: boolean })
    | undefined;
  spanStarted(span: ReadableSpan, parent: Context): void;
  spanEnded(span: ReadableSpan): void;
};

export type OpenTelemetrySdk = {
  readonly provider: ApiTracerProvider;
  readonly propagator: TextMapPropagator;
  /** Binds the listeners of an event emitter to a context. */
  bindEmitter(context: Context, emitter: object): object;
};

export function createSdk(options: SdkOptions): OpenTelemetrySdk {
  const { resource, clock } = options;
  const binder = new EmitterBinder(options.contextManager);
  const provider = new TracerProvider({
    resource,
    ...(options.spanLimits && { spanLimits: options.spanLimits }),
    idGenerator: options.idGenerator ?? { generateSpanId: createSpanId, generateTraceId: createTraceId },
    // Whether an invocation is recorded was decided when it began; here only its flag for W3C headers is left to say.
    sampler: {
      shouldSample: () => ({
        decision:
          (options.activeTrace()?.isSampledForW3c ?? true)
            ? SamplingDecision.RECORD_AND_SAMPLED
            : SamplingDecision.RECORD,
      }),
      toString: () => 'InvocationSampler',
    },
    spanProcessors: [
      {
        onStart(span, parent) {
          makePrecise(span, clock);
          options.spanStarted(span as unknown as ReadableSpan, parent);
        },
        onEnd: (span) => options.spanEnded(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  return {
    provider,
    propagator: new CompositePropagator({
      propagators: [
        new W3CTraceContextPropagator(),
        new W3CBaggagePropagator(),
        new XrayPropagator(() => options.activeTrace()),
      ],
    }),
    bindEmitter: (context, emitter) => binder.bind(context, emitter),
  };
}

const { now: performanceNow } = openPerformance();

/**
 * When `performance.now()` was zero, on the runtime's clock: it counts from a slightly earlier instant. The runtime's clock is read
 * between two readings of the other; the pair that lies closest together says it to some 50 ns.
 */
function measurePerformanceZero(): number {
  let zeroMs = 0;
  let leastMs = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < 64; reading++) {
    const before = performanceNow();
    const between = now();
    const after = performanceNow();
    if (after - before >= leastMs) continue;
    leastMs = after - before;
    zeroMs = between - (before + after) / 2;
  }
  return zeroMs;
}

const PERFORMANCE_ZERO_MS = measurePerformanceZero();

/** The drift between the clocks that is tolerated, and the millisecond that the SDK cuts off. */
const JUST_NOW_MS = 4;

/**
 * The SDK starts spans at whole milliseconds of the wall clock, so that a child can seem to begin before its parent. A span
 * that started just now gets the instant itself; one with a start time of the user's keeps it. The instant is the one that the
 * SDK counts the duration from, or else spans would end late by what lies between.
 */
function makePrecise(span: Span, clock: Clock): void {
  const { startTime, _performanceStartTime: performanceInstant = performanceNow() } = span as unknown as {
    startTime: ReadableSpan['startTime'];
    _performanceStartTime?: number;
  };
  const precise = clock.hrTime(performanceInstant + PERFORMANCE_ZERO_MS);
  const sinceMs = (precise[0] - startTime[0]) * 1e3 + (precise[1] - startTime[1]) / 1e6;
  if (startTime[1] % 1e6 === 0 && Math.abs(sinceMs) < JUST_NOW_MS) Object.assign(span, { startTime: precise });
}

/** OpenTelemetry's own binding of event emitters, over the runtime's context. */
class EmitterBinder extends AsyncLocalStorageContextManager {
  readonly #manager: ContextManager;

  constructor(manager: ContextManager) {
    super();
    this.#manager = manager;
  }

  override active(): Context {
    return this.#manager.active();
  }

  override with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#manager.with(context, fn, thisArg, ...args);
  }
}
