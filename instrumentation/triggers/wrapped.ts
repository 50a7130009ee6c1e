// Events that wrap another one: EventBridge Pipes deliver a source's records as a bare list, destinations deliver an earlier event.
// Source: EventBridge User Guide, "Amazon EventBridge Pipes sources"; Lambda Developer Guide, "Capturing records of Lambda
// asynchronous invocations".

import { describeActivemq, describeRabbitmq, pipedRabbitmqBatch } from './brokers.ts';
import { arnStep, type Loose, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { describeKafka } from './kafka.ts';
import { batchOf, batchResultRule, describeConsumer } from './messaging.ts';
import { describeSqs } from './messaging-sqs.ts';
import { type Description, type Reading, row } from './row.ts';
import { describeDynamodb, describeKinesis } from './streams.ts';

function describePiped(event: Loose, reading: Reading): Description {
  const batch = batchOf(event);
  const first = batch.records[0];
  switch (text(first?.eventSource)) {
    case 'aws:sqs':
      return describeSqs(batch, reading);
    case 'aws:kinesis':
      return describeKinesis(batch, reading);
    case 'aws:dynamodb':
      return { faasTrigger: 'datasource', ...describeDynamodb(batch, reading) };
    case 'aws:kafka':
    case 'SelfManagedKafka':
      return describeKafka(batch, first?.bootstrapServers, reading);
    case 'aws:mq':
    case 'aws:amq':
      return describeActivemq(batch, first?.eventSourceArn, reading);
    case 'aws:rmq':
      return describeRabbitmq(pipedRabbitmqBatch(batch), first?.eventSourceArn, reading);
    default:
      return { resultRule: batchResultRule(batch.size) };
  }
}

const isSourced = shape('0.eventSource');
const hasCondition = shape('requestContext.condition');

export const pipes = row('pipes', 'pubsub', (event) => Array.isArray(event) && isSourced(event), describePiped);

export const lambdaDestination = row(
  'lambda-destination',
  'pubsub',
  // The payload is the earlier event, which may be any JSON value.
  (event) => hasCondition(event) && event?.requestPayload !== undefined,
  (event, reading) => {
    const requestContext = event?.requestContext;
    const inner = reading.recogniseInner(event?.requestPayload);
    return {
      consumer: describeConsumer(
        'aws.lambda',
        arnStep(requestContext?.functionArn, 1),
        reading,
        pick(
          requestContext,
          'lambda.destination. function.arn=functionArn condition approximate_invoke_count#=approximateInvokeCount',
        ),
      ),
      carrier: inner?.carrier,
      linkCarriers: inner?.linkCarriers,
    };
  },
);
