// Stands in for AWS: answers the few operations that the tests call, refuses what is not signed right, and remembers what it got.
// Over HTTP/1.1 and, without TLS, HTTP/2.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Scope } from '../support/tcp-server.ts';
import { findSignatureFault } from './signature-check.ts';

export type AwsCall = {
  /** `dynamodb`, as it signs. */
  readonly service: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What is wrong with its signature; undefined: nothing. */
  readonly fault: string | undefined;
};

type Answer = { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string };

const xml = (operation: string, result: string): Answer => ({
  headers: { 'content-type': 'text/xml' },
  body: `<${operation}Response><${operation}Result>${result}</${operation}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></${operation}Response>`,
});
const json = (value: unknown): Answer => ({ body: JSON.stringify(value) });
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const ANSWERS: Readonly<Record<string, (call: Omit<AwsCall, 'fault'>) => Answer>> = {
  'dynamodb.GetItem': () => json({ Item: { id: { S: 'b-7' } } }),
  'dynamodb.PutItem': () => json({}),
  'dynamodb.Query': () =>
    json({ Count: 2, ScannedCount: 5, Items: [], ConsumedCapacity: { TableName: 'stock', CapacityUnits: 0.5 } }),
  'dynamodb.ListTables': () => json({ TableNames: ['stock', 'shelf'] }),
  'dynamodb.BatchGetItem': () => json({ Responses: {}, UnprocessedKeys: {} }),
  's3.PutObject': () => ({ headers: { etag: '"e"', 'x-amz-id-2': 'extended-1' }, body: '' }),
  's3.GetObject': () => ({ headers: { 'content-type': 'text/plain' }, body: 'contents' }),
  's3.ListObjectsV2': () => ({
    headers: { 'content-type': 'application/xml' },
    body: '<?xml version="1.0"?><ListBucketResult><Name>photos</Name><KeyCount>0</KeyCount></ListBucketResult>',
  }),
  'sqs.SendMessage': ({ body }) => json({ MessageId: 'm-1', MD5OfMessageBody: md5(JSON.parse(body).MessageBody) }),
  'sqs.ReceiveMessage': () =>
    json({ Messages: ['one', 'two'].map((Body) => ({ MessageId: `m-${Body}`, Body, MD5OfBody: md5(Body) })) }),
  'sqs.SendMessageBatch': ({ body }) =>
    json({
      Successful: JSON.parse(body).Entries.map(({ Id, MessageBody }: Record<string, string>) => ({
        Id,
        MessageId: `m-${Id}`,
        MD5OfMessageBody: md5(MessageBody!),
      })),
      Failed: [],
    }),
  'sns.Publish': () => xml('Publish', '<MessageId>m-2</MessageId>'),
  'lambda.Invoke': () => json({ ok: true }),
  'events.PutEvents': () => json({ FailedEntryCount: 0, Entries: [{ EventId: 'e-1' }] }),
  'kinesis.PutRecord': () => json({ SequenceNumber: '1', ShardId: 'shard-1' }),
  'states.StartExecution': () => json({ executionArn: 'arn:aws:states:eu-west-1:1:execution:m:e', startDate: 1 }),
  'secretsmanager.GetSecretValue': () => json({ Name: 'shop', SecretString: 'never in a span' }),
  'ssm.GetParameter': () => json({ Parameter: { Name: '/shop/key', Value: 'never in a span' } }),
  'sts.GetCallerIdentity': () => xml('GetCallerIdentity', '<Account>123456789012</Account>'),
  'ses.SendEmail': ({ path }) =>
    path.startsWith('/v2/') ? json({ MessageId: 'm-3' }) : xml('SendEmail', '<MessageId>m-3</MessageId>'),
  'bedrock.InvokeModel': () => json({ completion: 'never in a span' }),
  'scheduler.GetSchedule': () => json({ Name: 'nightly' }),
};

export class AwsStub {
  readonly calls: AwsCall[] = [];
  /** `http://127.0.0.1:port`, for AWS_ENDPOINT_URL. */
  url = '';
  /** The same for clients that speak HTTP/2. */
  http2Url = '';
  #failures: Answer[] = [];

  /** The next requests are answered so. */
  failNext(...failures: readonly Answer[]): void {
    this.#failures.push(...failures);
  }

  clear(): void {
    this.calls.length = 0;
    this.#failures = [];
  }

  /** What was not signed right. */
  get faults(): string[] {
    return this.calls.flatMap(({ fault }) => fault ?? []);
  }

  async open(scope: Scope): Promise<void> {
    const serve = async (
      request: IncomingMessage | Http2ServerRequest,
      response: Pick<ServerResponse, 'writeHead' | 'end'>,
    ) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { status = 200, headers, body } = this.#answer(request, Buffer.concat(chunks));
      response.writeHead(status, { 'x-amzn-requestid': 'request-1', 'content-type': 'application/json', ...headers });
      response.end(body);
    };
    const servers = [createServer(serve), createHttp2Server((request, response) => serve(request, response as never))];
    const urls = [];
    for (const server of servers) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      scope.after(() => server.close());
    }
    [this.url, this.http2Url] = urls as [string, string];
  }

  #answer(request: IncomingMessage | Http2ServerRequest, body: Buffer): Answer {
    // HTTP/2 clients sign `:authority` as a header.
    const headers = { host: request.headers[':authority'] as string, ...request.headers } as IncomingHttpHeaders;
    const { method = '', url: path = '/' } = request;
    const service = /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'unsigned';
    const call = { service, operation: '', method, path, headers, body: body.toString('utf8') };
    call.operation = operationOf(call);
    const fault = findSignatureFault({ method, path, headers, body });
    this.calls.push({ ...call, fault });
    if (fault !== undefined)
      return { status: 403, headers: { 'x-amzn-errortype': 'InvalidSignatureException' }, body: '{}' };
    const failure = this.#failures.shift();
    if (failure !== undefined) return failure;
    return ANSWERS[`${service}.${call.operation}`]?.(call) ?? { status: 404, body: '{}' };
  }
}

/** Told in ways of the stub's own, so that nothing is proven by itself. */
function operationOf({ service, method, path, headers, body }: Omit<AwsCall, 'operation' | 'fault'>): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.')[1]!;
  const action = /(?:^|&)Action=(\w+)/.exec(body)?.[1];
  if (action !== undefined) return action;
  if (service === 's3') {
    if (path.includes('list-type=2')) return 'ListObjectsV2';
    return method === 'PUT' ? 'PutObject' : 'GetObject';
  }
  const byService: Readonly<Record<string, string>> = {
    lambda: 'Invoke',
    bedrock: 'InvokeModel',
    ses: 'SendEmail',
    scheduler: 'GetSchedule',
  };
  return byService[service] ?? 'unknown';
}
