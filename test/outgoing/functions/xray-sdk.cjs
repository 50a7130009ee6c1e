// A function written for aws-xray-sdk-core: captured clients, captured http, subsegments of its own.

const AWSXRay = require('aws-xray-sdk-core');

AWSXRay.captureHTTPsGlobal(require('node:http'));
const http = require('node:http');
const { DynamoDBClient, GetItemCommand } = require('@aws-sdk/client-dynamodb');

const client = AWSXRay.captureAWSv3Client(new DynamoDBClient({ maxAttempts: 1 }));
const plain = new DynamoDBClient({ maxAttempts: 1 });

const call = (url) =>
  new Promise((resolve, reject) => {
    http
      .get(url, { headers: { 'x-by': 'http' } }, (response) => response.resume().on('end', resolve))
      .on('error', reject);
  });

exports.handler = async ({ url, what }) => {
  const get = (dynamo) => dynamo.send(new GetItemCommand({ TableName: 'stock', Key: { id: { S: 'x' } } }));
  if (what === 'captured client') await get(client);
  if (what === 'plain client') await get(plain);
  if (what === 'captured http') await call(url);
  if (what === 'fetch') await (await fetch(url)).text();
  if (what === 'subsegment') {
    await AWSXRay.captureAsyncFunc('price it', async (subsegment) => {
      subsegment.addAnnotation('sku', 'b-7');
      await get(client);
      subsegment.close();
    });
  }
  return what;
};
