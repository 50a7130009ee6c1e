// A producer traced by dd-trace. Its spans go to an agent that is not there; what it has begun is printed, one JSON line.

const tracer = require('dd-trace').init({ startupLogs: false, runtimeMetrics: false, logInjection: false });

const begun = [];
tracer.use('aws-sdk', { hooks: { request: (span) => begun.push(span) } });
const send = require('./sends.cjs')()[process.argv[2]];

tracer.trace('place.order', async (root) => {
  await send();
  const spans = [root, ...begun].map((span) => {
    const [, traceId, spanId] = span.context().toTraceparent().split('-');
    return { name: 'place.order', traceId, spanId };
  });
  process.stdout.write(`${JSON.stringify(spans)}\n`, () => process.exit(0));
});
