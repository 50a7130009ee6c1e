// AWS's own X-Ray SDK as a second opinion: the same downstream calls, recorded by it in a plain process and by the layer without it.
// What its documents say, ours say as well, but for the differences listed here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { type XrayDocument, XraySink } from '../../../local/sinks/xray-sink.ts';
import { LAYER_FOLDER } from '../../support/built-layer.ts';
import { startFunction } from '../../support/function-under-test.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { findClosedPort, type Scope } from '../../support/tcp-server.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

/** What both do, as CommonJS: the X-Ray SDK finds modules nowhere else. */
const CALLS = `
const http = require('node:http');
exports.makeCalls = async ({ base, closed, capture = (client) => client }) => {
  const call = (url, method = 'GET') => new Promise((resolve) => {
    const request = http.request(url, { method }, (response) => response.resume().on('end', resolve));
    request.on('error', resolve).end();
  });
  await call(base + '/ok?secret=1');
  await call(base + '/missing', 'POST');
  await call(base + '/slow-down');
  await call(base + '/broken');
  await call(closed + '/');
  const options = { region: 'eu-west-1', endpoint: base, credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 };
  const send = async (client, command) => { await capture(client).send(command).catch(() => {}); };
  const { DynamoDBClient, GetItemCommand, BatchGetItemCommand } = require('@aws-sdk/client-dynamodb');
  const Key = { id: { S: '1' } };
  await send(new DynamoDBClient(options), new GetItemCommand({ TableName: 'orders', Key }));
  await send(new DynamoDBClient(options), new GetItemCommand({ TableName: 'no-such-table', Key }));
  await send(new DynamoDBClient(options), new BatchGetItemCommand({ RequestItems: { a: { Keys: [Key] }, b: { Keys: [Key] } } }));
  const { SQSClient, SendMessageCommand } = require('@aws-sdk/client-sqs');
  await send(new SQSClient(options), new SendMessageCommand({ QueueUrl: base + '/123456789012/queue', MessageBody: 'x' }));
  const { S3Client, GetObjectCommand } = require('@aws-sdk/client-s3');
  await send(new S3Client({ ...options, forcePathStyle: true }), new GetObjectCommand({ Bucket: 'bucket', Key: 'some/key' }));
  const { SNSClient, PublishCommand } = require('@aws-sdk/client-sns');
  await send(new SNSClient(options), new PublishCommand({ TopicArn: 'arn:aws:sns:eu-west-1:123456789012:topic', Message: 'x' }));
  const { LambdaClient, InvokeCommand } = require('@aws-sdk/client-lambda');
  await send(new LambdaClient(options), new InvokeCommand({ FunctionName: 'other', Payload: '{}' }));
};`;

const CALL_COUNT = 12;

/** The services, as far as these calls need them. */
async function startServices(scope: Scope): Promise<string> {
  const server = await startHttpServer(scope, ({ path, headers, body }, response) => {
    const target = String(headers['x-amz-target'] ?? '');
    const text = body.toString();
    const answer = (status: number, content: string, type = 'application/x-amz-json-1.0', more = {}): void => {
      response.writeHead(status, { 'content-type': type, 'x-amzn-requestid': 'request-1', ...more });
      response.end(content);
    };
    if (path.startsWith('/ok')) answer(200, 'hello');
    else if (path === '/missing') answer(404, 'no');
    else if (path === '/slow-down') answer(429, '');
    else if (path === '/broken') answer(500, '');
    else if (text.includes('no-such-table')) {
      answer(400, '{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"not found"}');
    } else if (target.startsWith('DynamoDB'))
      answer(200, '{"ConsumedCapacity":{"TableName":"orders","CapacityUnits":1}}');
    else if (target.startsWith('AmazonSQS')) {
      answer(200, '{"MessageId":"m-1","MD5OfMessageBody":"9dd4e461268c8034f5c8564e155c67a6"}');
    } else if (path.startsWith('/bucket')) {
      answer(200, 'data', 'text/plain', { 'x-amz-request-id': 's3-request', 'x-amz-id-2': 'extended' });
    } else if (text.includes('Action=Publish')) {
      answer(
        200,
        '<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>',
        'text/xml',
      );
    } else answer(200, '{}');
  });
  return `http://127.0.0.1:${server.port}`;
}

const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

/** The subsegments that the X-Ray SDK sends for the calls. */
async function theirDocuments(scope: Scope, base: string, closed: string): Promise<XrayDocument[]> {
  await using sink = new XraySink();
  await sink.open();
  const folder = makeFolder(scope, { 'calls.js': CALLS });
  const program = `
    const sdk = require('aws-xray-sdk-core');
    sdk.captureHTTPsGlobal(require('node:http'));
    const { makeCalls } = require(${JSON.stringify(join(folder, 'calls.js'))});
    makeCalls({ base: '${base}', closed: '${closed}', capture: sdk.captureAWSv3Client });`;
  const child = spawn(process.execPath, ['--eval', program], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      PATH: process.env.PATH,
      NODE_PATH: `${LAYER_FOLDER}/nodejs/node_modules`,
      LAMBDA_TASK_ROOT: folder,
      _X_AMZN_TRACE_ID: HEADER,
      AWS_XRAY_DAEMON_ADDRESS: sink.address,
      AWS_XRAY_LOG_LEVEL: 'silent',
    },
  });
  // It does not end by itself: the SDK keeps a timer.
  scope.after(() => child.kill('SIGKILL'));
  await sink.waitFor(({ documents }) => documents.length >= CALL_COUNT, 'the documents of the X-Ray SDK', 20_000);
  return sink.documents;
}

async function ourDocuments(base: string, closed: string): Promise<readonly XrayDocument[]> {
  await using fn = await startFunction({
    files: {
      'calls.js': CALLS,
      'index.js': `const { makeCalls } = require('./calls.js');
        exports.handler = () => makeCalls({ base: '${base}', closed: '${closed}' });`,
    },
    otlp: false,
  });
  assert.equal((await fn.invoke({}, { traceHeader: HEADER })).status, 'success');
  assert.deepEqual(fn.xray.violations, []);
  const [invocation] = fn.xray.documents.filter(({ name }) => name === 'Invocation');
  return invocation!.subsegments ?? [];
}

/** What of theirs ours must have. Left out, with the reason: */
function expectedOf(theirs: XrayDocument): Record<string, unknown> {
  const { name, namespace, error, throttle, fault, http, aws, cause } = theirs as XrayDocument & {
    readonly aws?: Record<string, unknown>;
    readonly cause?: { readonly exceptions: readonly { readonly type: string; readonly message: string }[] };
  };
  const { retries, consumed_capacity, message_id, status_code, ...shared } = aws ?? {};
  // Its `retries` counts attempts; ours says how often a call was repeated, and nothing when it was not.
  assert.ok(aws === undefined || retries === 1);
  // These three are in the bodies of answers, which are the function's own.
  const unread = [consumed_capacity, message_id, status_code].filter((value) => value !== undefined);
  assert.ok(unread.length <= 1);
  // An answer of 4xx is an error. Its AWS calls are faults as well, against the guide.
  const isClientError = error === true;
  // Ours has the error's code as type where it has one, and says that the frame is not a source line.
  const exceptions = cause?.exceptions.map(({ message }) => ({ message }));
  return {
    name,
    namespace,
    ...(error && { error }),
    ...(throttle && { throttle }),
    ...(fault && !isClientError && { fault }),
    ...(http && { http }),
    ...(aws && { aws: shared }),
    ...(exceptions && { cause: { exceptions } }),
  };
}

/** Everything in `expected` is in `found`; lists have at least as many items. */
function assertContains(found: unknown, expected: unknown, path: string): void {
  if (typeof expected !== 'object' || expected === null) {
    assert.equal(found, expected, path);
    return;
  }
  assert.ok(typeof found === 'object' && found !== null, `${path} is ${JSON.stringify(found)}`);
  for (const [key, value] of Object.entries(expected)) {
    assertContains((found as Record<string, unknown>)[key], value, `${path}.${key}`);
  }
}

/** Its URLs have no port. */
const withoutPort = (document: XrayDocument): XrayDocument => {
  const url = document.http?.request?.url;
  if (typeof url !== 'string') return document;
  return {
    ...document,
    http: { ...document.http, request: { ...document.http?.request, url: url.replace(/:\d+\//, '/') } },
  };
};

test('what the X-Ray SDK says of HTTP and AWS calls, our documents say as well', async (t) => {
  const base = await startServices(t);
  const closed = `http://127.0.0.1:${await findClosedPort()}`;
  const theirs = await theirDocuments(t, base, closed);
  const ours = await ourDocuments(base, closed);
  assert.equal(theirs.length, CALL_COUNT);
  assert.deepEqual(
    ours.map(({ name }) => name),
    theirs.map(({ name }) => name),
  );
  for (const [index, document] of theirs.entries()) {
    assertContains(withoutPort(ours[index]!), expectedOf(document), `${index} ${document.name}`);
  }
});
