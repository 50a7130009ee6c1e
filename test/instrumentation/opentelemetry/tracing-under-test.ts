// The real SDK behind the stand-in, with a list instead of a recorder: for tests of what user code gets to see.

import type { Context, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ActiveContext, ROOT_CONTEXT, withSpan } from '../../../instrumentation/active-context.ts';
import { Clock } from '../../../instrumentation/clock.ts';
import { InertSpan } from '../../../instrumentation/inert-span.ts';
import { createSdk, type OpenTelemetrySdk, type SdkOptions } from '../../../instrumentation/opentelemetry/sdk.ts';
import { ordersResource } from '../orders-resource.ts';

export const XRAY_HEADER =
  'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0';

export class TracingUnderTest {
  readonly clock: Clock;
  readonly started: ReadableSpan[] = [];
  readonly ended: ReadableSpan[] = [];
  readonly resource = ordersResource();
  /** What the invocation is like; undefined: there is none. */
  trace: ReturnType<SdkOptions['activeTrace']> = {
    xrayHeader: XRAY_HEADER,
    isSampledForXray: true,
    isSampledForW3c: true,
  };
  readonly active: ActiveContext<{ readonly context: Context }>;
  loads = 0;
  #sdk: OpenTelemetrySdk | undefined;

  constructor(clock = new Clock()) {
    this.clock = clock;
    this.active = new ActiveContext((context, emitter) => this.sdk().bindEmitter(context, emitter));
  }

  sdk(): OpenTelemetrySdk {
    if (this.#sdk === undefined) {
      this.loads++;
      this.#sdk = createSdk({
        resource: this.resource,
        clock: this.clock,
        contextManager: this.active,
        activeTrace: () => this.trace,
        spanStarted: (span) => this.started.push(span),
        spanEnded: (span) => this.ended.push(span),
      });
    }
    return this.#sdk;
  }

  /** Runs work under an active span of these ids, as the handler runs under Invocation. */
  under<T>(spanContext: SpanContext, work: () => T): T {
    return this.active.runFor({ context: withSpan(ROOT_CONTEXT, new InertSpan(spanContext)) }, work);
  }

  /** The spans that have ended since the last call. */
  take(): ReadableSpan[] {
    return this.ended.splice(0);
  }
}
