// As many spans as the event says, through the OpenTelemetry API that the function brings itself.
const { trace } = require('@opentelemetry/api');

const tracer = trace.getTracer('bench');

exports.handler = async ({ spans }) => {
  for (let count = 0; count < spans; count++) {
    const span = tracer.startSpan('step');
    span.setAttribute('order.id', 'A-1001');
    span.setAttribute('order.items', count);
    span.end();
  }
  return { statusCode: 200, body: 'ok' };
};
