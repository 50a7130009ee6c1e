// Calls of AWS, from an SDK that can be reached and from one that is minified: the same spans, right signatures, and the trace in
// the messages as far as it can get there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import { startFunction } from '../support/function-under-test.ts';
import { AwsStub } from './aws-stub.ts';
import { provideClientPackages } from './client-packages.ts';
import { type FunctionShape, shapesOf } from './function-shapes.ts';
import { callsOf, clientSpans, HEADER, startFunctionWith, TRACE_ID } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const stub = new AwsStub();
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let shapes: FunctionShape[] = [];

before(async () => {
  await stub.open(scope);
  packages = await provideClientPackages();
  if ('folder' in packages) {
    shapes = await shapesOf(fileURLToPath(new URL('functions/aws.mjs', import.meta.url)), packages.folder);
  }
});
after(async () => {
  for (const work of cleanUp) await work();
});

type Kind = 'import' | 'esbuild minified';

async function start(kind: Kind, environment: Readonly<Record<string, string>> = {}): Promise<FunctionUnderTest> {
  const { file, isBundled } = shapes.find(({ name }) => name === kind)!;
  assert.ok('folder' in packages);
  return startFunctionWith(isBundled ? undefined : packages.folder, {
    files: { [file[0]]: file[1] },
    timeoutMs: 20_000,
    environment: {
      AWS_ENDPOINT_URL: stub.url,
      AWS_ENDPOINT_URL_KINESIS: stub.http2Url,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: stub.http2Url,
      ...environment,
    },
  });
}

async function call(fn: FunctionUnderTest, name: string, event: object = {}) {
  fn.otlp.clear();
  fn.xray.clear();
  const queueUrl = `${stub.url}/123456789012/parcels`;
  const result = (await fn.invoke({ name, queueUrl, ...event }, { traceHeader: HEADER })).json();
  assert.deepEqual(stub.faults, [], name);
  assert.deepEqual(fn.xray.violations, []);
  const spans = clientSpans(fn);
  assert.doesNotMatch(JSON.stringify([spans, fn.xray.documents]), /secret-literal|never in a span/);
  return { result, spans, span: spans[0]!, documents: callsOf(fn) };
}

type Expectation = {
  readonly name: string;
  /** Where nothing on the wire names the operation. */
  readonly nameOnWire?: string;
  readonly kind?: 4;
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Of the `aws` block in X-Ray. */
  readonly block?: Readonly<Record<string, unknown>>;
};

const QUEUE = {
  'messaging.system': 'aws_sqs',
  'messaging.destination.name': 'parcels',
  'messaging.operation.type': 'send',
};

const EXPECTED: Readonly<Record<string, Expectation>> = {
  DynamoDB: {
    name: 'DynamoDB.GetItem',
    attributes: { 'db.system.name': 'aws.dynamodb' },
    block: { table_name: 'stock' },
  },
  'DynamoDB document': { name: 'DynamoDB.GetItem', block: { table_name: 'stock' } },
  'S3 put': {
    name: 'S3.PutObject',
    attributes: { 'aws.extended_request_id': 'extended-1' },
    block: { bucket_name: 'photos', key: 'a/b c.jpg' },
  },
  'S3 list': { name: 'S3.ListObjectsV2', block: { bucket_name: 'photos' } },
  SQS: { name: 'SQS.SendMessage', kind: 4, attributes: QUEUE },
  'SQS batch': { name: 'SQS.SendMessageBatch', kind: 4, attributes: QUEUE },
  SNS: { name: 'SNS.Publish', kind: 4, block: { topic_arn: 'arn:aws:sns:eu-west-1:123456789012:orders' } },
  Lambda: {
    name: 'Lambda.Invoke',
    attributes: { 'faas.invoked_provider': 'aws' },
    block: { function_name: 'billing' },
  },
  EventBridge: { name: 'EventBridge.PutEvents', kind: 4 },
  Kinesis: { name: 'Kinesis.PutRecord', kind: 4, block: { stream_name: 'clicks' } },
  StepFunctions: {
    name: 'SFN.StartExecution',
    attributes: { 'aws.step_functions.state_machine.arn': 'arn:aws:states:eu-west-1:123456789012:stateMachine:ship' },
  },
  SecretsManager: {
    name: 'SecretsManager.GetSecretValue',
    attributes: { 'aws.secretsmanager.secret.arn': 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf' },
  },
  SSM: { name: 'SSM.GetParameter' },
  STS: { name: 'STS.GetCallerIdentity' },
  SES: { name: 'SES.SendEmail' },
  SESv2: { name: 'SESv2.SendEmail' },
  Bedrock: { name: 'BedrockRuntime.InvokeModel', attributes: { 'gen_ai.request.model': 'anthropic.claude-v2:1' } },
  Scheduler: { name: 'Scheduler.GetSchedule' },
};

for (const kind of ['import', 'esbuild minified'] as const) {
  test(`one span with the operation's name for every service: ${kind}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    await using fn = await start(kind);
    for (const [name, { name: expected, kind: spanKind = 3, attributes = {}, block = {} }] of Object.entries(
      EXPECTED,
    )) {
      await t.test(name, async () => {
        stub.clear();
        const { result, spans, span, documents } = await call(fn, name);
        assert.equal(result, 'done');
        assert.deepEqual(
          spans.map((one) => one.name),
          [expected],
        );
        assert.equal(span.kind, spanKind);
        const [service, operation] = expected.split('.') as [string, string];
        const common = {
          'rpc.system': 'aws-api',
          'rpc.system.name': 'aws-api',
          'rpc.service': service,
          'rpc.method': operation,
          'cloud.region': 'eu-west-1',
          'aws.request_id': 'request-1',
          'http.response.status_code': 200,
          'server.address': '127.0.0.1',
          'http.request.resend_count': undefined,
          'error.type': undefined,
        };
        for (const [key, value] of Object.entries({ ...common, ...attributes }))
          assert.deepEqual(span.flat[key], value, key);
        assert.equal(span.status?.code ?? 0, 0);
        const [document, ...others] = documents;
        assert.deepEqual(others, []);
        assert.equal(document!.name, service);
        assert.equal(document!.namespace, 'aws');
        const drawn = document!.aws as Record<string, unknown>;
        for (const [key, value] of Object.entries({
          operation,
          region: 'eu-west-1',
          request_id: 'request-1',
          ...block,
        })) {
          assert.deepEqual(drawn[key], value, key);
        }
        assert.equal(stub.calls.length, 1);
        const { headers } = stub.calls[0]!;
        assert.equal(headers['x-amzn-trace-id'], HEADER.replace('53995c3f42cd8ad8', span.spanId));
        assert.equal(headers.traceparent, `00-${TRACE_ID}-${span.spanId}-01`);
      });
    }
  });

  test(`tries of one call are one span: ${kind}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    await using fn = await start(kind);
    stub.clear();
    stub.failNext({ status: 500, body: '{}' }, { status: 503, body: '{}' });
    const { result, spans, span, documents } = await call(fn, 'DynamoDB', { retries: 3 });
    assert.equal(result, 'done');
    assert.equal(stub.calls.length, 3);
    assert.equal(spans.length, 1);
    assert.equal(span.flat['http.request.resend_count'], 2);
    assert.equal(span.flat['http.response.status_code'], 200);
    assert.equal(span.flat['error.type'], undefined);
    assert.equal(span.status?.code ?? 0, 0);
    assert.equal((documents[0]!.aws as { retries?: number }).retries, 2);
    assert.deepEqual([documents[0]!.fault, documents[0]!.error], [undefined, undefined]);
    for (const { headers } of stub.calls) assert.ok(headers.traceparent?.includes(span.spanId));

    stub.clear();
    const throttled = {
      status: 400,
      headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal/' },
      body: '{}',
    };
    stub.failNext(throttled, throttled);
    const given = await call(fn, 'DynamoDB', { retries: 2 });
    assert.match(String(given.result), /^ThrottlingException/);
    assert.equal(given.spans.length, 1);
    assert.equal(given.span.flat['http.request.resend_count'], 1);
    assert.equal(given.span.flat['error.type'], 'ThrottlingException');
    assert.equal(given.span.status?.code, 2);
    assert.equal(given.documents[0]!.throttle, true);

    stub.clear();
    stub.failNext({ status: 500, body: '{}' }, { status: 500, body: '{}' });
    const parallel = await call(fn, 'two at once');
    assert.equal(stub.calls.length, 4);
    assert.deepEqual(
      parallel.spans.map(({ flat }) => flat['http.request.resend_count']),
      [1, 1],
    );
    assert.deepEqual(parallel.spans.map(({ flat }) => flat['aws.dynamodb.table_names']).toSorted(), [['one'], ['two']]);
  });

  test(`a presigned URL is S3's when it is fetched, and nothing when it is made: ${kind}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    await using fn = await start(kind);
    fn.otlp.clear();
    await fn.invoke({ name: 'S3 presigned' }, { traceHeader: HEADER });
    const spans = clientSpans(fn);
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['S3.GetObject'],
    );
    assert.equal(spans[0]!.flat['aws.s3.key'], 'b.jpg');
    assert.doesNotMatch(JSON.stringify(spans), /X-Amz-Signature|LOCALEMULATORKEY|local-emulator/);
    stub.clear();
  });
}

test('of a batch over several tables all are named, where the SDK can be reached', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await start('import');
  stub.clear();
  const { span, documents } = await call(fn, 'DynamoDB batch');
  assert.deepEqual(span.flat['aws.dynamodb.table_names'], ['stock', 'shelf']);
  assert.deepEqual((documents[0]!.aws as { table_names: string[] }).table_names, ['stock', 'shelf']);
});

/** The bodies that the service got, with what the signature says about them. */
const bodies = (): Record<string, never>[] => stub.calls.map(({ body }) => JSON.parse(body));

test('the trace goes into messages while there is room, and never over what the user put there', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await start('import');
  stub.clear();
  for (const attributes of [0, 9, 10]) {
    const { span } = await call(fn, 'SQS', { attributes });
    const { MessageAttributes: sent = {} } = bodies().at(-1) as {
      MessageAttributes?: Record<string, { StringValue: string }>;
    };
    assert.equal(Object.keys(sent).length, Math.min(10, attributes + 1));
    const expected = attributes === 10 ? undefined : `00-${TRACE_ID}-${span.spanId}-01`;
    assert.equal(sent.traceparent?.StringValue, expected);
  }
  const large = await call(fn, 'SQS', { body: 'x'.repeat(200_000) });
  assert.equal(large.result, 'done');
  assert.deepEqual((bodies().at(-1) as { MessageAttributes?: object }).MessageAttributes, {});

  stub.clear();
  const { span } = await call(fn, 'SQS batch');
  const entries = (
    bodies()[0] as unknown as { Entries: { MessageAttributes: Record<string, { StringValue: string }> }[] }
  ).Entries;
  assert.equal(entries[0]!.MessageAttributes.traceparent!.StringValue, `00-${TRACE_ID}-${span.spanId}-01`);
  assert.equal(entries[1]!.MessageAttributes.traceparent!.StringValue, 'mine');
  assert.equal(span.flat['messaging.batch.message_count'], 2);

  stub.clear();
  await call(fn, 'SNS');
  assert.match(stub.calls[0]!.body, /MessageAttributes\.entry\.1\.Name=traceparent/);
  stub.clear();
  await call(fn, 'SNS to a phone');
  assert.doesNotMatch(stub.calls[0]!.body, /traceparent/);

  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
  for (const [event, hasTrace] of [
    [{}, true],
    [{ context: encoded({ custom: { a: 1 }, env: { b: 2 } }) }, true],
    [{ context: encoded({ custom: { a: 'x'.repeat(2600) } }) }, false],
    [{ context: 'not base64 of JSON' }, false],
    [{ type: 'Event' }, false],
  ] as const) {
    stub.clear();
    const invoked = await call(fn, 'Lambda', event);
    assert.equal(invoked.result, 'done');
    const header = stub.calls[0]!.headers['x-amz-client-context'] as string | undefined;
    assert.ok((header ?? '').length <= 3583);
    const given = 'context' in event ? event.context : undefined;
    if (!hasTrace) assert.equal(header, given);
    else {
      const { custom, ...rest } = JSON.parse(Buffer.from(header!, 'base64').toString());
      assert.equal(custom.traceparent, `00-${TRACE_ID}-${invoked.span.spanId}-01`);
      const original = given === undefined ? {} : JSON.parse(Buffer.from(given, 'base64').toString());
      assert.deepEqual(
        { ...rest, custom: { ...custom, traceparent: undefined } },
        { ...original, custom: { ...original.custom, traceparent: undefined } },
      );
    }
  }

  for (const name of ['EventBridge', 'Kinesis']) {
    stub.clear();
    await call(fn, name);
    assert.doesNotMatch(stub.calls[0]!.body, /TraceHeader|traceparent/, 'only when it is asked for');
  }
});

test('into events and records only when it is asked for, without touching what is there', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await start('import', { SPANSTRAP_AWS_INJECTION: 'eventbridge,kinesis' });
  stub.clear();
  const { span } = await call(fn, 'EventBridge');
  const [entry] = (bodies()[0] as unknown as { Entries: { Detail: string; TraceHeader: string }[] }).Entries;
  const traceparent = `00-${TRACE_ID}-${span.spanId}-01`;
  assert.equal(entry!.Detail, `{"id":12345678901234567890,"a":"secret-literal","traceparent":"${traceparent}"}`);
  assert.equal(entry!.TraceHeader, HEADER.replace('53995c3f42cd8ad8', span.spanId));
  stub.clear();
  const record = await call(fn, 'Kinesis');
  const { Data } = bodies()[0] as unknown as { Data: string };
  assert.equal(
    Buffer.from(Data, 'base64').toString(),
    `{"a":1,"traceparent":"00-${TRACE_ID}-${record.span.spanId}-01"}`,
  );
  stub.clear();
  await call(fn, 'SQS');
  assert.doesNotMatch(stub.calls[0]!.body, /traceparent/);
});

for (const shape of ['require', 'import'] as const) {
  test(`the clients that the layer has: ${shape}`, async () => {
    const load =
      shape === 'import'
        ? "import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs'; export"
        : "const { SQSClient, SendMessageCommand } = require('@aws-sdk/client-sqs'); exports.handler = handler;";
    const source = `${load} async function handler({ endpoint }) {
        await new SQSClient({ endpoint, region: 'eu-west-1' }).send(new SendMessageCommand({ QueueUrl: endpoint + '/1/orders', MessageBody: 'm' }));
        return 'done';
      }`;
    await using fn = await startFunction({
      files: { [shape === 'import' ? 'index.mjs' : 'index.js']: source },
      timeoutMs: 20_000,
    });
    stub.clear();
    const result = await fn.invoke({ endpoint: stub.url }, { traceHeader: HEADER });
    assert.equal(result.json(), 'done', `${stub.faults} ${fn.emulator.logs}`);
    assert.deepEqual(stub.faults, []);
    const [span, ...others] = clientSpans(fn);
    assert.deepEqual([span!.name, others.length], ['SQS.SendMessage', 0]);
    const { MessageAttributes } = bodies()[0] as { MessageAttributes?: Record<string, { StringValue: string }> };
    assert.equal(MessageAttributes?.traceparent?.StringValue, `00-${TRACE_ID}-${span!.spanId}-01`);
  });
}

test('AWS calls are HTTP like any other when that instrumentation is off', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await start('import', { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'aws-sdk' });
  stub.clear();
  const { spans } = await call(fn, 'DynamoDB');
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['POST'],
  );
});
