// A producer traced by the X-Ray SDK. Prints its segment and subsegments, one JSON line.

const xray = require('aws-xray-sdk-core');

xray.enableManualMode();
const segment = new xray.Segment('producer');
const send = require('./sends.cjs')((client) => xray.captureAWSv3Client(client, segment))[process.argv[2]];

send().then(() => {
  const traceId = segment.trace_id.replace(/^1-/, '').replace('-', '');
  const spans = [segment, ...(segment.subsegments ?? [])].map(({ name, id }) => ({ name, traceId, spanId: id }));
  segment.close();
  process.stdout.write(`${JSON.stringify(spans)}\n`, () => process.exit(0));
});
