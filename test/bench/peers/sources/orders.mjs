// The real function: what many functions carry, bundled and minified to about 2 MB.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import express from 'express';
import { z } from 'zod';

const storage = new S3Client({ region: 'eu-west-1' });
const orders = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const application = express();
application.get('/orders/:id', (request, response) => response.json({ id: request.params.id }));
const Order = z.object({ pathParameters: z.object({ id: z.string() }).optional() });

export const handler = async (event) => {
  const { pathParameters } = Order.parse(event);
  const commands = [
    new GetCommand({ TableName: 'orders', Key: { id: pathParameters?.id } }),
    new GetObjectCommand({ Bucket: 'orders', Key: pathParameters?.id }),
  ];
  const clients = [storage, orders, application];
  return { statusCode: 200, body: `${commands.length} commands for ${clients.length} clients` };
};
