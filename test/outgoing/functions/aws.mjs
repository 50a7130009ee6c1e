// Calls one AWS service as the event says.

import { BedrockRuntimeClient, InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime';
import { BatchGetItemCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SESClient, SendEmailCommand } from '@aws-sdk/client-ses';
import { SESv2Client, SendEmailCommand as SendEmailV2Command } from '@aws-sdk/client-sesv2';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

const ARN = 'arn:aws:sns:eu-west-1:123456789012:orders';
const mail = { Source: 'a@example.com', Destination: { ToAddresses: ['b@example.com'] } };
const message = { Subject: { Data: 's' }, Body: { Text: { Data: 'secret-literal' } } };
const s3 = () => new S3Client({ forcePathStyle: true, maxAttempts: 1 });

const calls = {
  DynamoDB: ({ retries = 1 }) =>
    new DynamoDBClient({ maxAttempts: retries, retryMode: 'standard' }).send(
      new GetItemCommand({ TableName: 'stock', Key: { id: { S: 'secret-literal' } } }),
    ),
  'DynamoDB document': () =>
    DynamoDBDocumentClient.from(new DynamoDBClient({ maxAttempts: 1 })).send(
      new GetCommand({ TableName: 'stock', Key: { id: 'secret-literal' } }),
    ),
  'DynamoDB batch': () =>
    new DynamoDBClient({ maxAttempts: 1 }).send(
      new BatchGetItemCommand({
        RequestItems: { stock: { Keys: [{ id: { S: 'a' } }] }, shelf: { Keys: [{ id: { S: 'b' } }] } },
      }),
    ),
  'S3 put': () => s3().send(new PutObjectCommand({ Bucket: 'photos', Key: 'a/b c.jpg', Body: 'secret-literal' })),
  'S3 list': () => s3().send(new ListObjectsV2Command({ Bucket: 'photos', Prefix: 'a/' })),
  async 'S3 presigned'() {
    const url = await getSignedUrl(s3(), new GetObjectCommand({ Bucket: 'photos', Key: 'b.jpg' }), { expiresIn: 60 });
    return (await fetch(url)).status;
  },
  SQS: ({ queueUrl, attributes = 0, body = 'secret-literal' }) =>
    new SQSClient({ maxAttempts: 1 }).send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: body,
        MessageAttributes: Object.fromEntries(
          Array.from({ length: attributes }, (_, at) => [`a${at}`, { DataType: 'String', StringValue: 'x' }]),
        ),
      }),
    ),
  'SQS batch': ({ queueUrl }) =>
    new SQSClient({ maxAttempts: 1 }).send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: [
          { Id: '1', MessageBody: 'one' },
          {
            Id: '2',
            MessageBody: 'two',
            MessageAttributes: { traceparent: { DataType: 'String', StringValue: 'mine' } },
          },
        ],
      }),
    ),
  SNS: () => new SNSClient({ maxAttempts: 1 }).send(new PublishCommand({ TopicArn: ARN, Message: 'secret-literal' })),
  'SNS to a phone': () =>
    new SNSClient({ maxAttempts: 1 }).send(new PublishCommand({ PhoneNumber: '+1555', Message: 'secret-literal' })),
  Lambda: ({ type, context }) =>
    new LambdaClient({ maxAttempts: 1 }).send(
      new InvokeCommand({ FunctionName: 'billing:live', Payload: '{}', InvocationType: type, ClientContext: context }),
    ),
  EventBridge: () =>
    new EventBridgeClient({ maxAttempts: 1 }).send(
      new PutEventsCommand({
        Entries: [{ Source: 'shop', DetailType: 'order', Detail: '{"id":12345678901234567890,"a":"secret-literal"}' }],
      }),
    ),
  Kinesis: () =>
    new KinesisClient({ maxAttempts: 1 }).send(
      new PutRecordCommand({ StreamName: 'clicks', PartitionKey: 'p', Data: new TextEncoder().encode('{"a":1}') }),
    ),
  StepFunctions: () =>
    new SFNClient({ maxAttempts: 1 }).send(
      new StartExecutionCommand({
        stateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:ship',
        input: '{}',
      }),
    ),
  SecretsManager: () =>
    new SecretsManagerClient({ maxAttempts: 1 }).send(
      new GetSecretValueCommand({ SecretId: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf' }),
    ),
  SSM: () =>
    new SSMClient({ maxAttempts: 1 }).send(new GetParameterCommand({ Name: '/shop/key', WithDecryption: true })),
  STS: () => new STSClient({ maxAttempts: 1 }).send(new GetCallerIdentityCommand({})),
  SES: () => new SESClient({ maxAttempts: 1 }).send(new SendEmailCommand({ ...mail, Message: message })),
  SESv2: () =>
    new SESv2Client({ maxAttempts: 1 }).send(
      new SendEmailV2Command({
        FromEmailAddress: 'a@example.com',
        Destination: mail.Destination,
        Content: { Simple: message },
      }),
    ),
  Bedrock: () =>
    new BedrockRuntimeClient({ maxAttempts: 1 }).send(
      new InvokeModelCommand({
        modelId: 'anthropic.claude-v2:1',
        contentType: 'application/json',
        body: '{"prompt":"secret-literal"}',
      }),
    ),
  Scheduler: () => new SchedulerClient({ maxAttempts: 1 }).send(new GetScheduleCommand({ Name: 'nightly' })),
  'two at once': async (event) => {
    const client = new DynamoDBClient({ maxAttempts: 3, retryMode: 'standard' });
    await Promise.all(
      ['one', 'two'].map((TableName) => client.send(new GetItemCommand({ TableName, Key: { id: { S: 'x' } } }))),
    );
    return event.name;
  },
};

export const names = Object.keys(calls);

export const handler = async (event) => {
  try {
    await calls[event.name](event);
    return 'done';
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
