// A function whose own OpenTelemetry SDK traces AWS and PostgreSQL, and HTTP if it is told so.

const { AwsInstrumentation } = require('@opentelemetry/instrumentation-aws-sdk');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
const { NodeSDK, tracing } = require('@opentelemetry/sdk-node');

const available = {
  aws: () => new AwsInstrumentation(),
  'aws without its requests': () => new AwsInstrumentation({ suppressInternalInstrumentation: true }),
  http: () => new HttpInstrumentation(),
  pg: () => new PgInstrumentation(),
};
const exporter = new tracing.InMemorySpanExporter();
new NodeSDK({
  spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  instrumentations: JSON.parse(process.env.INSTRUMENTATIONS).map((name) => available[name]()),
}).start();

const { DynamoDBClient, GetItemCommand } = require('@aws-sdk/client-dynamodb');
const pg = require('pg');

exports.handler = async ({ pg: connection, expected }) => {
  exporter.reset();
  const dynamo = new DynamoDBClient({ maxAttempts: 1 });
  await dynamo.send(new GetItemCommand({ TableName: 'stock', Key: { id: { S: 'x' } } }));
  if (connection !== undefined) {
    const client = new pg.Client(connection);
    await client.connect();
    await client.query('SELECT 1');
    await client.end();
  }
  // Spans leave when the resource is known, which takes the SDK a while.
  while (exporter.getFinishedSpans().length < expected) await new Promise((resolve) => setImmediate(resolve));
  return exporter.getFinishedSpans().map(({ name }) => name);
};
