// A producer traced by OpenTelemetry's instrumentation of the AWS SDK. Prints its spans, one JSON line.

const { context, propagation, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = require('@opentelemetry/core');
const { AwsInstrumentation } = require('@opentelemetry/instrumentation-aws-sdk');
const { TracerProvider } = require('@opentelemetry/sdk-trace');

const ended = [];
const done = () => Promise.resolve();
const collect = { onStart() {}, onEnd: (span) => void ended.push(span), forceFlush: done, shutdown: done };
const provider = new TracerProvider({ spanProcessors: [collect] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
  new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
);
const instrumentation = new AwsInstrumentation();
instrumentation.setTracerProvider(provider);
instrumentation.enable();

const send = require('./sends.cjs')()[process.argv[2]];

trace.getTracer('producer').startActiveSpan('place order', async (span) => {
  await send();
  span.end();
  const spans = ended.map((one) => ({ name: one.name, ...one.spanContext() }));
  console.log(JSON.stringify(spans.map(({ name, traceId, spanId }) => ({ name, traceId, spanId }))));
});
