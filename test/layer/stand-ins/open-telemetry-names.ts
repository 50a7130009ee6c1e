// A bundle with the SDK in it under both of the names by which the installed tree knows it, and with an instrumentation.

export { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
export { TracerProvider as presentName } from '@opentelemetry/sdk-trace';
export { TracerProvider as formerName } from '@opentelemetry/sdk-trace-base';
