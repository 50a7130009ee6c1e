// What an SDK that can be reached tells of its calls beyond what stands on the wire.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import { AwsStub } from './aws-stub.ts';
import { provideClientPackages } from './client-packages.ts';
import { callsOf, clientSpans, HEADER, startFunctionWith } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const stub = new AwsStub();
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let fn: FunctionUnderTest;

const FUNCTION = `
  import { DynamoDBClient, ListTablesCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
  import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
  import { S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
  import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
  import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
  const dynamo = new DynamoDBClient();
  const sqs = new SQSClient();
  const QueueUrl = process.env.AWS_ENDPOINT_URL + '/123456789012/parcels';
  const query = {
    TableName: 'stock', IndexName: 'by-sku', ConsistentRead: true, Limit: 5, ScanIndexForward: false, Select: 'SPECIFIC_ATTRIBUTES',
    ProjectionExpression: 'sku, price', KeyConditionExpression: 'sku = :sku', ExpressionAttributeValues: { ':sku': { S: 'secret-literal' } },
    ReturnConsumedCapacity: 'TOTAL',
  };
  const calls = {
    query: () => dynamo.send(new QueryCommand(query)),
    tables: () => dynamo.send(new ListTablesCommand({ ExclusiveStartTableName: 'rack' })),
    part: () => new S3Client({ forcePathStyle: true }).send(
      new UploadPartCommand({ Bucket: 'photos', Key: 'a.jpg', UploadId: 'u-1', PartNumber: 2, Body: 'secret-literal' })),
    send: () => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'secret-literal' })),
    receive: () => sqs.send(new ReceiveMessageCommand({ QueueUrl })),
    publish: () => new SNSClient().send(new PublishCommand({ TopicArn: 'arn:aws:sns:eu-west-1:123456789012:orders', Message: 'm' })),
    record: () => new KinesisClient().send(new PutRecordCommand({ StreamName: 'clicks', PartitionKey: 'p', Data: Buffer.from('d') })),
    getter: () => dynamo.send(new QueryCommand({ TableName: 'stock', get Limit() { throw new RangeError('on purpose'); } })),
  };
  export const handler = async ({ name }) => calls[name]().then(() => 'done', (error) => error.name);`;

before(async () => {
  await stub.open(scope);
  packages = await provideClientPackages();
  if (!('folder' in packages)) return;
  fn = await startFunctionWith(packages.folder, {
    files: { 'index.mjs': FUNCTION },
    timeoutMs: 20_000,
    environment: { AWS_ENDPOINT_URL: stub.url, AWS_ENDPOINT_URL_KINESIS: stub.http2Url },
  });
});
after(async () => {
  await fn?.[Symbol.asyncDispose]();
  for (const work of cleanUp) await work();
});

type Case = {
  readonly span: Readonly<Record<string, unknown>>;
  /** In X-Ray's `aws` block. */
  readonly block?: Readonly<Record<string, unknown>>;
};

const CASES: Readonly<Record<string, Case>> = {
  query: {
    span: {
      'aws.dynamodb.index_name': 'by-sku',
      'aws.dynamodb.consistent_read': true,
      'aws.dynamodb.limit': 5,
      'aws.dynamodb.scan_forward': false,
      'aws.dynamodb.select': 'SPECIFIC_ATTRIBUTES',
      'aws.dynamodb.projection': 'sku, price',
      'aws.dynamodb.count': 2,
      'aws.dynamodb.scanned_count': 5,
      'aws.dynamodb.consumed_capacity': ['{"TableName":"stock","CapacityUnits":0.5}'],
    },
    block: { table_name: 'stock', index_name: 'by-sku', consistent_read: true, limit: 5, count: 2, scanned_count: 5 },
  },
  tables: { span: { 'aws.dynamodb.exclusive_start_table': 'rack', 'aws.dynamodb.table_count': 2 } },
  part: { span: { 'aws.s3.upload_id': 'u-1', 'aws.s3.part_number': 2, 'aws.s3.key': 'a.jpg' } },
  send: { span: { 'messaging.message.id': 'm-1' }, block: { message_id: 'm-1' } },
  receive: {
    span: { 'messaging.batch.message_count': 2, 'messaging.operation.type': 'receive' },
    block: { message_count: 2 },
  },
  publish: { span: { 'messaging.message.id': 'm-2' } },
  record: { span: { 'messaging.destination.partition.id': 'shard-1' } },
};

for (const [name, { span: attributes, block = {} }] of Object.entries(CASES)) {
  test(name, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    fn.otlp.clear();
    fn.xray.clear();
    const result = await fn.invoke({ name }, { traceHeader: HEADER });
    assert.equal(result.json(), 'done', fn.emulator.logs.join('\n'));
    const [span, ...others] = clientSpans(fn);
    assert.deepEqual(others, []);
    for (const [key, value] of Object.entries(attributes)) assert.deepEqual(span!.flat[key], value, key);
    const { aws } = callsOf(fn)[0]!;
    for (const [key, value] of Object.entries(block)) assert.deepEqual(aws?.[key], value, key);
    assert.doesNotMatch(JSON.stringify([span, fn.xray.documents]), /secret-literal/);
  });
}

test('an input that cannot be read is the SDK’s to complain about', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  const result = await fn.invoke({ name: 'getter' }, { traceHeader: HEADER });
  assert.equal(result.json(), 'RangeError');
});
