// What every producer sends with the AWS SDK's own clients, one call each, to the endpoint in the environment. A tracer has been
// set up before this file is loaded.

const { NodeHttpHandler } = require('@smithy/node-http-handler');

const config = {
  region: 'eu-west-1',
  endpoint: process.env.SERVICE_URL,
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  maxAttempts: 1,
  // Kinesis would speak HTTP/2.
  requestHandler: new NodeHttpHandler(),
};

const ARN = 'arn:aws:sns:eu-west-1:123456789012:order-events';
const order = JSON.stringify({ order: 42 });

/** `capture` may wrap a client, as some tracers want it. */
module.exports = (capture = (client) => client) => {
  const { SQSClient, SendMessageCommand, SendMessageBatchCommand } = require('@aws-sdk/client-sqs');
  const { SNSClient, PublishCommand } = require('@aws-sdk/client-sns');
  const { EventBridgeClient, PutEventsCommand } = require('@aws-sdk/client-eventbridge');
  const { KinesisClient, PutRecordCommand } = require('@aws-sdk/client-kinesis');
  const { LambdaClient, InvokeCommand } = require('@aws-sdk/client-lambda');
  const QueueUrl = `${process.env.SERVICE_URL}/123456789012/orders`;
  const sqs = capture(new SQSClient({ ...config, useQueueUrlAsEndpoint: false }));
  const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: order }));
  const detail = { Source: 'shop', DetailType: 'OrderPlaced', Detail: order };
  return {
    sqs: () => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: order })),
    'sqs-batch': () => sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })),
    sns: () => capture(new SNSClient(config)).send(new PublishCommand({ TopicArn: ARN, Message: order })),
    eventbridge: () => capture(new EventBridgeClient(config)).send(new PutEventsCommand({ Entries: [detail] })),
    kinesis: () =>
      capture(new KinesisClient(config)).send(
        new PutRecordCommand({ StreamName: 'orders', PartitionKey: '42', Data: Buffer.from(order) }),
      ),
    lambda: () =>
      capture(new LambdaClient(config)).send(
        new InvokeCommand({ FunctionName: 'consumer', Payload: Buffer.from(order) }),
      ),
  };
};
