// What `configureTracer` returns, as what the tracer can use. It is user code's: what is wrong with it costs one line, and is as if it
// were not there.

import { type Attributes, trace } from '@opentelemetry/api';
import type { IdGenerator, Sampler as SdkSampler, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ROOT_CONTEXT } from '../active-context.ts';
import { isAnyValue } from '../attribute-values.ts';
import { createSpanId, createTraceId } from '../ids.ts';
import type { SdkOptions } from '../opentelemetry/sdk.ts';
import type { Sampler } from '../sampler.ts';
import type { UserProcessors } from './user-processors.ts';

export type TracerConfig = {
  readonly resource?: { readonly attributes?: Attributes };
  readonly sampler?: SdkSampler;
  readonly spanLimits?: SdkOptions['spanLimits'];
  readonly idGenerator?: IdGenerator;
  readonly spanProcessors?: readonly SpanProcessor[];
};

export type ConfigUse = {
  readonly resourceAttributes: Attributes;
  readonly processors: UserProcessors;
  /** Does `work`; what it throws is told of, with `what` it was about. */
  attempt(what: string, work: () => void): void;
  report(problem: string): void;
};

export type TracerChanges = {
  readonly sampler: Sampler | undefined;
  /** For the spans that the SDK makes. */
  readonly sdk: Pick<SdkOptions, 'spanLimits' | 'idGenerator'>;
};

export function useTracerConfig(config: TracerConfig, use: ConfigUse): TracerChanges {
  const { processors, attempt, report } = use;
  attempt('the resource of configureTracer', () => addAttributes(config.resource?.attributes, use));
  attempt('the spanProcessors of configureTracer', () => {
    for (const processor of config.spanProcessors ?? []) processors.add(processor);
  });
  const { sampler, spanLimits, idGenerator } = config;
  return {
    sampler: sampler ? adaptSampler(sampler) : undefined,
    sdk: {
      ...(spanLimits && { spanLimits }),
      ...(idGenerator && { idGenerator: adaptIds(idGenerator, report) }),
    },
  };
}

/** An attribute that cannot be encoded would cost every span. */
function addAttributes(given: Attributes | undefined, { resourceAttributes, report }: ConfigUse): void {
  const leftOut = new Set<string>();
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (isAnyValue(value)) resourceAttributes[key] = value;
    else leftOut.add(key);
  }
  // What it was given is ours, and it may have put something there.
  for (const [key, value] of Object.entries(resourceAttributes)) {
    if (isAnyValue(value)) continue;
    leftOut.add(key);
    delete resourceAttributes[key];
  }
  if (leftOut.size > 0) {
    report(`the resource of configureTracer has what is no attribute and is left out: ${[...leftOut].join(', ')}`);
  }
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

const TRACE_ID = /^(?!0{32})[\da-f]{32}$/;
const SPAN_ID = /^(?!0{16})[\da-f]{16}$/;

/** A span without a valid id is none. */
function adaptIds(generator: IdGenerator, report: ConfigUse['report']): IdGenerator {
  const adapt =
    (name: keyof IdGenerator, valid: RegExp, createOwn: () => string): (() => string) =>
    () => {
      try {
        const id: unknown = generator[name]();
        if (typeof id === 'string' && valid.test(id)) return id;
        report(`the idGenerator of configureTracer gave no id in ${name}: it is one of the runtime's`);
      } catch (error) {
        report(`the idGenerator of configureTracer failed, ids are the runtime's: ${error}`);
      }
      return createOwn();
    };
  return {
    generateTraceId: adapt('generateTraceId', TRACE_ID, createTraceId),
    generateSpanId: adapt('generateSpanId', SPAN_ID, createSpanId),
  };
}
