import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AwsBlock } from '../../../../instrumentation/export/xray/subsegment.ts';
import { kinds, type SpanDescription } from '../../span-builder.ts';
import { drawOne } from './drawing.ts';

const { INTERNAL, SERVER, CLIENT, PRODUCER } = kinds;

const call = (service: string, method: string) => ({
  'rpc.system': 'aws-api',
  'rpc.service': service,
  'rpc.method': method,
});

const cases: readonly (readonly [string, SpanDescription, AwsBlock | undefined])[] = [
  [
    'DynamoDB as the JavaScript instrumentation writes it',
    {
      kind: CLIENT,
      attributes: {
        ...call('DynamoDB', 'Query'),
        'cloud.region': 'eu-west-1',
        'aws.request.id': 'REQ1',
        'aws.dynamodb.table_names': ['orders'],
        'aws.dynamodb.index_name': 'by-date',
        'aws.dynamodb.consistent_read': true,
        'aws.dynamodb.count': 3,
        'aws.dynamodb.scanned_count': 7,
        'aws.dynamodb.consumed_capacity': ['{"TableName":"orders","CapacityUnits":0.5}'],
        'http.response.status_code': 200,
      },
    },
    {
      operation: 'Query',
      region: 'eu-west-1',
      request_id: 'REQ1',
      table_name: 'orders',
      index_name: 'by-date',
      consistent_read: true,
      count: 3,
      scanned_count: 7,
      consumed_capacity: { TableName: 'orders', CapacityUnits: 0.5 },
    },
  ],
  [
    'several tables',
    { kind: CLIENT, attributes: { ...call('DynamoDB', 'BatchGetItem'), 'aws.dynamodb.table_names': ['a', 'b'] } },
    { operation: 'BatchGetItem', table_names: ['a', 'b'] },
  ],
  [
    'a table as plain text',
    { kind: CLIENT, attributes: { ...call('DynamoDB', 'Scan'), 'aws.dynamodb.table_names': 'a' } },
    { operation: 'Scan', table_name: 'a' },
  ],
  [
    'SQS: the URL is the queue',
    {
      kind: PRODUCER,
      attributes: {
        ...call('SQS', 'SendMessage'),
        'messaging.system': 'aws_sqs',
        'url.full': 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
        'messaging.message.id': 'M1',
        'aws.xray.retries': 2,
      },
    },
    {
      operation: 'SendMessage',
      retries: 2,
      queue_url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
      message_id: 'M1',
    },
  ],
  [
    'SQS: the older names, of which messaging.url wins',
    {
      kind: CLIENT,
      attributes: {
        ...call('SQS', 'ReceiveMessage'),
        'aws.queue_url': 'https://old/q',
        'messaging.url': 'https://new/q',
      },
    },
    { operation: 'ReceiveMessage', queue_url: 'https://new/q' },
  ],
  [
    'S3',
    {
      kind: CLIENT,
      attributes: {
        ...call('S3', 'GetObject'),
        'aws.s3.bucket': 'b',
        'aws.s3.key': 'k',
        'aws.request.extended_id': 'X2',
      },
    },
    { operation: 'GetObject', id_2: 'X2', bucket_name: 'b', key: 'k' },
  ],
  [
    'SNS',
    { kind: PRODUCER, attributes: { ...call('SNS', 'Publish'), 'aws.sns.topic.arn': 'arn:aws:sns:eu-west-1:1:t' } },
    { operation: 'Publish', topic_arn: 'arn:aws:sns:eu-west-1:1:t' },
  ],
  [
    'Lambda',
    {
      kind: CLIENT,
      attributes: { ...call('Lambda', 'Invoke'), 'faas.invoked_name': 'f', 'http.request.resend_count': 1 },
    },
    { operation: 'Invoke', retries: 1, function_name: 'f' },
  ],
  [
    'Kinesis',
    { kind: CLIENT, attributes: { ...call('Kinesis', 'PutRecord'), 'aws.kinesis.stream.name': 's' } },
    { operation: 'PutRecord', stream_name: 's' },
  ],
  [
    'the older names beat rpc.method',
    {
      kind: CLIENT,
      attributes: {
        'aws.service': 'DynamoDB',
        'aws.operation': 'GetItem',
        'rpc.method': 'Wrong',
        'aws.account_id': '1',
        'aws.region': 'us-east-1',
        'aws.requestId': 'R',
        'aws.table.name': 't',
      },
    },
    { operation: 'GetItem', region: 'us-east-1', account_id: '1', request_id: 'R', table_name: 't' },
  ],
  [
    'Service/Operation of newer conventions',
    { kind: CLIENT, attributes: { 'rpc.system.name': 'aws-api', 'rpc.method': 'S3/PutObject' } },
    { operation: 'PutObject' },
  ],
  [
    'a gRPC call',
    { kind: CLIENT, attributes: { 'rpc.system': 'grpc', 'rpc.method': 'Get', 'cloud.region': 'x' } },
    undefined,
  ],
  ['local work', { kind: INTERNAL, attributes: { 'app.x': 1 } }, undefined],
  ['an aws attribute of no field', { kind: SERVER, attributes: { 'aws.lambda.invoked_arn': 'arn' } }, undefined],
  [
    'another cloud',
    { kind: CLIENT, attributes: call('DynamoDB', 'GetItem'), resource: { 'cloud.provider': 'gcp' } },
    undefined,
  ],
  [
    'this cloud',
    { kind: CLIENT, attributes: call('DynamoDB', 'GetItem'), resource: { 'cloud.provider': 'aws' } },
    { operation: 'GetItem' },
  ],
  [
    'JSON that is none stays an attribute',
    { kind: CLIENT, attributes: { ...call('DynamoDB', 'Scan'), 'aws.dynamodb.consumed_capacity': ['{'] } },
    { operation: 'Scan' },
  ],
];
for (const [what, description, expected] of cases) {
  test(`aws block: ${what}`, () => assert.deepEqual(drawOne(description).aws, expected));
}

test('aws block: an SQS call has its queue there and no request URL', () => {
  const drawn = drawOne({
    kind: CLIENT,
    attributes: {
      ...call('SQS', 'SendMessage'),
      'url.full': 'https://sqs.eu-west-1.amazonaws.com/1/q',
      'http.response.status_code': 200,
      'messaging.destination.name': 'q',
    },
  });
  assert.deepEqual(drawn.http, { response: { status: 200 } });
  assert.deepEqual(drawn.metadata, { default: { 'messaging.destination.name': 'q' } });
});

test('aws block: what it could not read is in the metadata', () => {
  const { metadata } = drawOne({
    kind: CLIENT,
    attributes: { ...call('DynamoDB', 'Scan'), 'aws.dynamodb.consumed_capacity': ['{'], 'aws.s3.bucket': ['odd'] },
  });
  assert.deepEqual(metadata, { default: { 'aws.dynamodb.consumed_capacity': ['{'], 'aws.s3.bucket': ['odd'] } });
});
