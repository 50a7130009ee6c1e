// A function that brings an OpenTelemetry SDK of its own, with or without instrumentations.

import { context, propagation, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK, tracing } from '@opentelemetry/sdk-node';

const isInstrumented = process.env.INSTRUMENTED === 'true';
const exporter = new tracing.InMemorySpanExporter();
const sdk = new NodeSDK({
  spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  instrumentations: isInstrumented ? [new HttpInstrumentation(), new UndiciInstrumentation()] : [],
});
sdk.start();

// After the SDK, as its documentation says.
const { createRequire } = process.getBuiltinModule('module');
const http = createRequire(`${process.cwd()}/index.js`)('http');

const call = (url) =>
  new Promise((resolve, reject) => {
    http.get(url, (response) => response.resume().on('end', resolve)).on('error', reject);
  });

export const handler = async ({ url }) => {
  exporter.reset();
  const tracer = trace.getTracer('own');
  await tracer.startActiveSpan('own work', async (span) => {
    span.setAttribute('own', true);
    await call(url);
    await (await fetch(url)).text();
    span.end();
  });
  // Spans leave when the resource is known, which takes the SDK a while.
  const expected = isInstrumented ? 3 : 1;
  while (exporter.getFinishedSpans().length < expected) await new Promise((resolve) => setImmediate(resolve));
  const carrier = {};
  propagation.inject(context.active(), carrier);
  return {
    carrier,
    spans: exporter.getFinishedSpans().map((span) => ({
      name: span.name,
      kind: span.kind,
      own: span.attributes.own,
      ...span.spanContext(),
      parent: span.parentSpanContext?.spanId,
    })),
  };
};
