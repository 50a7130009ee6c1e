// The function that runs in the build's warm-up process; not in the layer. It does what ordinary functions do, so that the code
// for it is in the code caches: nothing, outgoing requests, a database's client, a span of its own.

import { mkdirSync, writeFileSync } from 'node:fs';
import { get, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';

export type WarmUpEvent = { readonly warmUp: 'return' | 'request' | 'span' | 'end'; readonly url?: string };

const fetchUrl = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    }).on('error', reject);
  });

/** As AWS SDK v3 writes it; nobody looks at the signature. */
const awsHeaders = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=KEY/20260102/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': 'DynamoDB_20120810.GetItem',
  'user-agent': 'aws-sdk-js/3.0.0 ua/2.1 lang/js md/nodejs api/dynamodb#3.0.0',
  'amz-sdk-invocation-id': '1',
  'amz-sdk-request': 'attempt=1; max=3',
};

const callAws = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    request(url, { method: 'POST', headers: awsHeaders }, (response) => response.resume().on('end', resolve))
      .on('error', reject)
      .end('{"TableName":"stock"}');
  });

/** Loads what looks like a client that OpenTelemetry's instrumentations patch; nothing is called. */
const loadDatabaseClient = (): void => {
  const folder = join(process.cwd(), 'node_modules/pg');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"name":"pg","version":"8.16.0","main":"index.js"}');
  writeFileSync(join(folder, 'index.js'), 'exports.Client = class { query() {} connect() {} };');
  createRequire(join(folder, '../'))('pg');
};

export const handler = async (event: WarmUpEvent): Promise<unknown> => {
  if (event.warmUp === 'end') (globalThis as unknown as { spanstrapWarmUpEnded(): never }).spanstrapWarmUpEnded();
  if (event.warmUp === 'request') {
    loadDatabaseClient();
    await fetchUrl(event.url!);
    await callAws(event.url!);
    await (await fetch(event.url!)).text();
  }
  if (event.warmUp === 'span') {
    trace.getTracer('warm-up').startActiveSpan('work', (span) => {
      span.setAttribute('items', 3);
      span.end();
    });
  }
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: '{"ok":true}' };
};
