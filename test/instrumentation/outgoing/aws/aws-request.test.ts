// AWS calls known by the request alone: hosts, signatures, targets and paths that no test with a real client reaches.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AwsRequest, describeAwsRequest } from '../../../../instrumentation/outgoing/aws/aws-request.ts';
import type { CallSpan } from '../../../../instrumentation/outgoing/call-scope.ts';
import { fc } from '../../../support/property.ts';

type Headers = Readonly<Record<string, string>>;
type Request = { readonly method?: string; readonly host: string; readonly path?: string; readonly headers?: Headers };

function describe({ method = 'GET', host, path = '/', headers = {} }: Request): AwsRequest | undefined {
  return describeAwsRequest({
    method,
    scheme: 'https',
    host,
    port: undefined,
    path,
    carrier: { get: (name) => headers[name], set: () => assert.fail('nothing is written') },
    readBody: () => {},
  });
}

const signed = (name: string, region = 'eu-west-1'): Headers => ({
  authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/${region}/${name}/aws4_request, SignedHeaders=host, Signature=00`,
});
const target = (text: string): Headers => ({ 'x-amz-target': text });
const agent = (api: string): Headers => ({
  'user-agent': `aws-sdk-js/3.1000.0 ua/2.1 os/linux lang/js api/${api}#3.1000.0`,
});

type Row = readonly [name: string, request: Request, attributes?: Readonly<Record<string, unknown>>];

const ROWS: readonly Row[] = [
  // S3: where the bucket may stand.
  [
    'S3.GetObject',
    { host: 'shop.s3.eu-west-1.amazonaws.com', path: '/a/b.txt', headers: signed('s3') },
    { 'aws.s3.bucket': 'shop', 'aws.s3.key': 'a/b.txt', 'cloud.region': 'eu-west-1' },
  ],
  [
    'S3.GetObject',
    { host: 's3.eu-west-1.amazonaws.com', path: '/shop/a%20b', headers: signed('s3') },
    { 'aws.s3.bucket': 'shop', 'aws.s3.key': 'a b' },
  ],
  [
    'S3.GetObject',
    { host: 'with.dots.s3.dualstack.eu-west-1.amazonaws.com', path: '/k', headers: signed('s3') },
    { 'aws.s3.bucket': 'with.dots' },
  ],
  [
    'S3.PutObject',
    {
      method: 'PUT',
      host: 'shop.s3-fips.us-gov-west-1.amazonaws.com',
      path: '/k?x-id=PutObject',
      headers: signed('s3', 'us-gov-west-1'),
    },
    { 'aws.s3.bucket': 'shop' },
  ],
  [
    'S3.ListObjectsV2',
    { host: 'shop.s3.cn-north-1.amazonaws.com.cn', path: '/?list-type=2', headers: signed('s3', 'cn-north-1') },
    { 'aws.s3.bucket': 'shop' },
  ],
  [
    'S3.GetObject',
    {
      host: 'shop.s3.amazonaws.com',
      path: '/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260102%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=00',
    },
    { 'aws.s3.key': 'k', 'cloud.region': 'eu-west-1' },
  ],
  [
    'S3.GetObject',
    {
      host: 'data--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com',
      path: '/k',
      headers: signed('s3express', 'us-east-1'),
    },
  ],
  [
    'S3.UploadPartCopy',
    {
      method: 'PUT',
      host: 'shop.s3.eu-west-1.amazonaws.com',
      path: '/k?partNumber=1&uploadId=u',
      headers: { ...signed('s3'), 'x-amz-copy-source': '/a/b' },
    },
  ],
  [
    'S3.DeleteObjects',
    { method: 'POST', host: 'shop.s3.eu-west-1.amazonaws.com', path: '/?delete', headers: signed('s3') },
  ],
  ['S3.ListBuckets', { host: 's3.eu-west-1.amazonaws.com', headers: signed('s3') }],
  ['S3.GetBucketTagging', { host: 'shop.s3.eu-west-1.amazonaws.com', path: '/?tagging', headers: signed('s3') }],
  // JSON protocols.
  [
    'DynamoDB.Query',
    {
      method: 'POST',
      host: 'dynamodb.eu-west-1.amazonaws.com',
      headers: { ...signed('dynamodb'), ...target('DynamoDB_20120810.Query') },
    },
    { 'db.system.name': 'aws.dynamodb', 'rpc.system.name': 'aws-api' },
  ],
  [
    'DynamoDB.Query',
    {
      method: 'POST',
      host: '123456789012.ddb.eu-west-1.amazonaws.com',
      headers: { ...signed('dynamodb'), ...target('DynamoDB_20120810.Query') },
    },
  ],
  [
    'DynamoDBStreams.GetRecords',
    {
      method: 'POST',
      host: 'streams.dynamodb.eu-west-1.amazonaws.com',
      headers: {
        ...signed('dynamodb'),
        ...agent('dynamodb-streams'),
        ...target('DynamoDBStreams_20120810.GetRecords'),
      },
    },
  ],
  [
    'SQS.SendMessage',
    {
      method: 'POST',
      host: 'sqs.eu-west-1.amazonaws.com',
      headers: { ...signed('sqs'), ...target('AmazonSQS.SendMessage') },
    },
    { 'messaging.operation.type': 'send' },
  ],
  [
    'EventBridge.PutEvents',
    {
      method: 'POST',
      host: 'events.eu-west-1.amazonaws.com',
      headers: { ...signed('events'), ...target('AWSEvents.PutEvents') },
    },
  ],
  [
    'SFN.StartExecution',
    {
      method: 'POST',
      host: 'states.eu-west-1.amazonaws.com',
      headers: { ...signed('states'), ...target('AWSStepFunctions.StartExecution') },
    },
  ],
  [
    'SSM.GetParameter',
    {
      method: 'POST',
      host: 'ssm.eu-west-1.amazonaws.com',
      headers: { ...signed('ssm'), ...target('AmazonSSM.GetParameter') },
    },
  ],
  [
    'SecretsManager.GetSecretValue',
    {
      method: 'POST',
      host: 'secretsmanager.eu-west-1.amazonaws.com',
      headers: { ...signed('secretsmanager'), ...target('secretsmanager.GetSecretValue') },
    },
  ],
  [
    'CloudWatchLogs.PutLogEvents',
    {
      method: 'POST',
      host: 'logs.eu-west-1.amazonaws.com',
      headers: { ...signed('logs'), ...target('Logs_20140328.PutLogEvents') },
    },
  ],
  // REST.
  [
    'Lambda.Invoke',
    {
      method: 'POST',
      host: 'lambda.eu-west-1.amazonaws.com',
      path: '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Aorders%3Alive/invocations',
      headers: { ...signed('lambda'), 'x-amz-invocation-type': 'Event' },
    },
    { 'faas.invoked_name': 'orders', 'aws.lambda.invocation_type': 'Event' },
  ],
  [
    'BedrockRuntime.Converse',
    {
      method: 'POST',
      host: 'bedrock-runtime.eu-west-1.amazonaws.com',
      path: '/model/anthropic.claude-v2%3A1/converse',
      headers: signed('bedrock'),
    },
    { 'gen_ai.request.model': 'anthropic.claude-v2:1' },
  ],
  [
    'SESv2.SendEmail',
    {
      method: 'POST',
      host: 'email.eu-west-1.amazonaws.com',
      path: '/v2/email/outbound-emails',
      headers: signed('ses'),
    },
  ],
  // Only the body tells more.
  ['STS POST', { method: 'POST', host: 'sts.amazonaws.com', headers: signed('sts', 'us-east-1') }],
  [
    'STS.GetCallerIdentity',
    {
      host: 'sts.amazonaws.com',
      path: '/?Action=GetCallerIdentity&Version=2011-06-15',
      headers: signed('sts', 'us-east-1'),
    },
  ],
  // Nobody signs these, but the SDK says so.
  [
    'STS.AssumeRoleWithWebIdentity',
    {
      host: 'sts.eu-west-1.amazonaws.com',
      path: '/?Action=AssumeRoleWithWebIdentity',
      headers: { 'user-agent': 'aws-sdk-nodejs/2.1692.0 linux/v24' },
    },
    { 'cloud.region': 'eu-west-1' },
  ],
  // Of whichever service there is.
  [
    'Athena.StartQueryExecution',
    {
      method: 'POST',
      host: 'athena.eu-west-1.amazonaws.com',
      headers: { ...signed('athena'), ...target('AmazonAthena.StartQueryExecution') },
    },
  ],
  [
    'CognitoIdentityProvider.AdminGetUser',
    {
      method: 'POST',
      host: 'cognito-idp.eu-west-1.amazonaws.com',
      headers: { ...signed('cognito-idp'), ...target('AWSCognitoIdentityProviderService.AdminGetUser') },
    },
  ],
  [
    'SomethingNew GET',
    { host: 'something-new.eu-west-1.api.aws', path: '/v1/things', headers: signed('something-new') },
  ],
  // A local stand-in: the host says nothing, the signature does.
  [
    'DynamoDB.PutItem',
    { method: 'POST', host: 'localhost', headers: { ...signed('dynamodb'), ...target('DynamoDB_20120810.PutItem') } },
  ],
];

for (const [name, request, attributes = {}] of ROWS) {
  test(`${name} at ${request.host}${(request.path ?? '/').slice(0, 40)}`, () => {
    const found = describe(request);
    assert.equal(found?.name, name);
    for (const [key, value] of Object.entries(attributes)) assert.equal(found!.attributes[key], value, key);
    assert.equal(found!.attributes['rpc.service'], name.split(/[. ]/)[0]);
    assert.equal(found!.attributes['server.address'], request.host);
  });
}

const PLAIN: readonly Request[] = [
  { host: 'example.com' },
  { host: 'abc.execute-api.eu-west-1.amazonaws.com', path: '/prod/orders', headers: signed('execute-api') },
  { host: 'abc.lambda-url.eu-west-1.on.aws', path: '/', headers: signed('lambda') },
  { host: 'abc.appsync-api.eu-west-1.amazonaws.com', path: '/graphql', headers: signed('appsync') },
  { host: 'search.eu-west-1.es.amazonaws.com', path: '/index/_search', headers: signed('es') },
  { host: 'xray.eu-west-1.amazonaws.com', path: '/v1/traces', headers: signed('xray') },
  { host: 'example.com', headers: { authorization: 'Bearer AWS4' } },
  { host: 'example.com', path: '/?X-Amz-Credential=broken' },
  { host: 'shop.s3.amazonaws.com', path: '/public.txt' },
];

for (const request of PLAIN) {
  test(`${request.host}${request.path ?? '/'} is HTTP like any other`, () =>
    assert.equal(describe(request), undefined));
}

test('one call of several tries: which of them a request is', () => {
  const [, request] = ROWS.find(([name]) => name === 'DynamoDB.Query')!;
  const tries = (header: string) =>
    describe({ ...request, headers: { ...request.headers, 'amz-sdk-invocation-id': 'i', 'amz-sdk-request': header } })!;
  assert.deepEqual(tries('attempt=1; max=3').attempt, { callId: 'i', number: 1, isLast: false });
  assert.equal(tries('attempt=1; max=3').attributes['http.request.resend_count'], undefined);
  assert.equal(tries('ttl=20260102T000000Z; attempt=3; max=3').attributes['http.request.resend_count'], 2);
  assert.equal(tries('ttl=20260102T000000Z; attempt=3; max=3').attempt?.isLast, true);
  assert.equal(tries('nonsense').attempt, undefined);
});

test('the body tells the table and nothing else', () => {
  const [, request] = ROWS.find(([name]) => name === 'DynamoDB.Query')!;
  const found = describe({
    ...request,
    headers: { ...request.headers, 'content-type': 'application/x-amz-json-1.0' },
  })!;
  const set: Record<string, unknown> = {};
  const span = { setAttributes: (attributes: object) => Object.assign(set, attributes) } as unknown as CallSpan;
  found.readBody!(span, Buffer.from('{"Key":{"TableName":{"S":"secret"}},"TableName":"orders","Secret":"secret"}'));
  assert.deepEqual(set, {
    'aws.dynamodb.table_names': ['orders'],
    'db.operation.name': 'Query',
    'db.system.name': 'aws.dynamodb',
  });
});

test('any request is survived, and no name has a line end or is long', () => {
  const text = fc.string({ maxLength: 60 });
  const header = fc.oneof(
    text,
    fc.constantFrom(...Object.values(signed('s3')), ...Object.values(signed('lambda')), 'aws-sdk-js/3'),
  );
  fc.assert(
    fc.property(
      text,
      text,
      fc.constantFrom('GET', 'PUT', 'POST', 'BREW'),
      header,
      header,
      text,
      (host, path, method, a, b, c) => {
        const found = describe({
          host,
          path: `/${path}`,
          method,
          headers: { authorization: a, 'user-agent': b, 'x-amz-target': c },
        });
        if (found !== undefined) assert.match(found.name, /^[A-Za-z0-9]{1,60}[. ][A-Za-z0-9]{1,80}$/);
      },
    ),
    { numRuns: 500 },
  );
});
