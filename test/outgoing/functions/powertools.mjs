// A function written for Powertools' Tracer.

import http from 'node:http';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';

const tracer = new Tracer({ serviceName: 'shop' });
const client = tracer.captureAWSv3Client(new DynamoDBClient({ maxAttempts: 1 }));

class Handler {
  async handler({ url, what }) {
    const segment = tracer.getSegment();
    const subsegment = segment.addNewSubsegment(`## ${what}`);
    tracer.setSegment(subsegment);
    try {
      if (what === 'client') await client.send(new GetItemCommand({ TableName: 'stock', Key: { id: { S: 'x' } } }));
      if (what === 'fetch') await (await fetch(url)).text();
      if (what === 'http') {
        await new Promise((resolve, reject) => {
          http.get(url, (response) => response.resume().on('end', resolve)).on('error', reject);
        });
      }
      tracer.putAnnotation('what', what);
    } finally {
      subsegment.close();
      tracer.setSegment(segment);
    }
    return what;
  }
}

const instance = new Handler();
export const handler = (event) => instance.handler(event);
