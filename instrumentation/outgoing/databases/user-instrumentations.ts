// Whether the user has OpenTelemetry's instrumentation of a client himself: then the client's calls are his to trace.

import type { CallEnvironment } from '../call-scope.ts';

export const instrumentationNameOf = (name: string): string => `@opentelemetry/instrumentation-${name}`;

/** `name`: as in `OTEL_NODE_ENABLED_INSTRUMENTATIONS`. What an SDK has that came before us is not known: it may have all. */
export const isInstrumentedByUser = ({ instrumentations }: CallEnvironment, name: string): boolean =>
  instrumentations === undefined || instrumentations.has(instrumentationNameOf(name));
