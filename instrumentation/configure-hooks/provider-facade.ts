// What `configureTracer` and `configureTracerProvider` are given: the parts of the SDK's provider and resource that such functions
// use. Spans are made by the runtime whatever they do with it.

import type { Attributes, TracerProvider } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { UserProcessors } from './user-processors.ts';

/** As the SDK's: `merge` makes another one. */
export type ResourceFacade = {
  readonly attributes: Attributes;
  readonly asyncAttributesPending: false;
  getRawAttributes(): [string, unknown][];
  merge(other: { readonly attributes?: Attributes } | null): ResourceFacade;
};

export function createResourceFacade(attributes: Attributes): ResourceFacade {
  return {
    attributes,
    asyncAttributesPending: false,
    getRawAttributes: () => Object.entries(attributes),
    merge: (other) => createResourceFacade({ ...attributes, ...other?.attributes }),
  };
}

export function createProviderFacade(provider: TracerProvider, attributes: Attributes, processors: UserProcessors) {
  const flush = (): Promise<void> => processors.flush('invocation', Number.POSITIVE_INFINITY);
  return {
    resource: createResourceFacade(attributes),
    getTracer: (...scope: Parameters<TracerProvider['getTracer']>) => provider.getTracer(...scope),
    addSpanProcessor: (processor: SpanProcessor) => processors.add(processor),
    forceFlush: flush,
    // The runtime decides when it is over.
    shutdown: flush,
    register() {},
  };
}
