// Calls out once, with the client that the event names.

import { get } from 'node:http';
import https from 'node:https';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { createClient } from 'redis';
import { request } from 'undici-8';

const toEnd = (call) =>
  new Promise((resolve, reject) => {
    call((response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });

const aws = { maxAttempts: 1 };
const clients = {
  http: ({ url }) => toEnd((done) => get(`${url}/stock`, done)),
  https: ({ httpsUrl }) => toEnd((done) => https.request(`${httpsUrl}/stock`, { method: 'PUT' }, done).end()),
  async fetch({ url }) {
    const response = await fetch(`${url}/stock`, { method: 'POST', body: 'five' });
    await response.text();
    return response.status;
  },
  async 'undici.request'({ url }) {
    const { statusCode, body } = await request(`${url}/stock`);
    await body.dump();
    return statusCode;
  },
  'DynamoDB.GetItem': () =>
    new DynamoDBClient(aws).send(new GetItemCommand({ TableName: 'stock', Key: { id: { S: 'b-7' } } })),
  'S3.GetObject': async () => {
    const s3 = new S3Client({ ...aws, forcePathStyle: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'b 7.jpg' }));
    return Body.transformToString();
  },
  'SQS.SendMessage': ({ queueUrl }) =>
    new SQSClient(aws).send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'ship b-7' })),
  'SNS.Publish': () =>
    new SNSClient(aws).send(
      new PublishCommand({ TopicArn: 'arn:aws:sns:eu-west-1:123456789012:orders', Message: 'b-7 is out' }),
    ),
  'Lambda.Invoke': () => new LambdaClient(aws).send(new InvokeCommand({ FunctionName: 'billing', Payload: '{}' })),
  'EventBridge.PutEvents': () =>
    new EventBridgeClient(aws).send(
      new PutEventsCommand({ Entries: [{ Source: 'shop', DetailType: 'order', Detail: '{"id":7}' }] }),
    ),
  async pg({ pg: connection }) {
    const client = new pg.Client(connection);
    await client.connect();
    const { rows } = await client.query("SELECT 7 AS count, 'secret-literal' AS text");
    await client.end();
    return rows[0].count;
  },
  async mysql2({ mysql: connection }) {
    const client = await mysql.createConnection(connection);
    const [rows] = await client.query("SELECT 7 AS count, 'secret-literal' AS text");
    await client.end();
    return rows[0].count;
  },
  async redis({ redis: url }) {
    const client = createClient({ url });
    await client.connect();
    await client.set('sku:b-7', 'secret-literal');
    client.destroy();
    return 7;
  },
};

export const handler = async (event) => {
  await clients[event.client](event);
  return event.client;
};
