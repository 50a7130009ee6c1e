// AWS SDK v2, as it is and inside a minified bundle: its calls are known by their requests.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { AwsStub } from './aws-stub.ts';
import { provideClientPackages } from './client-packages.ts';
import { clientSpans, HEADER, startFunctionWith } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const stub = new AwsStub();
let packages: Awaited<ReturnType<typeof provideClientPackages>>;

before(async () => {
  await stub.open(scope);
  packages = await provideClientPackages();
});
after(async () => {
  for (const work of cleanUp) await work();
});

const SDK_V2 = `const AWS = require('aws-sdk');
  exports.handler = async ({ endpoint, maxRetries = 0 }) => {
    const options = { endpoint, region: 'eu-west-1', maxRetries, retryDelayOptions: { base: 1 } };
    await new AWS.DynamoDB(options).getItem({ TableName: 'stock', Key: { id: { S: 'x' } } }).promise();
    if (maxRetries > 0) return 'done';
    await new AWS.S3({ ...options, s3ForcePathStyle: true, signatureVersion: 'v4' }).putObject({ Bucket: 'photos', Key: 'k', Body: 'b' }).promise();
    await new AWS.SNS(options).publish({ TopicArn: 'arn:aws:sns:eu-west-1:1:orders', Message: 'm' }).promise();
    return 'done';
  };`;

for (const shape of ['require', 'esbuild minified'] as const) {
  test(`SDK v2, by its requests: ${shape}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const isBundled = shape === 'esbuild minified';
    const { outputFiles } = await build({
      stdin: { contents: SDK_V2, resolveDir: packages.folder, loader: 'js' },
      platform: 'node',
      bundle: isBundled,
      minify: isBundled,
      write: false,
      logLevel: 'silent',
    });
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { 'index.js': outputFiles[0]!.text },
      timeoutMs: 20_000,
    });
    stub.clear();
    const result = await fn.invoke({ endpoint: stub.url }, { traceHeader: HEADER });
    assert.equal(result.json(), 'done', `${stub.faults} ${fn.emulator.logs}`);
    assert.deepEqual(stub.faults, []);
    const spans = clientSpans(fn);
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['DynamoDB.GetItem', 'S3.PutObject', 'SNS.Publish'],
    );
    assert.deepEqual(spans[0]!.flat['aws.dynamodb.table_names'], ['stock']);
    assert.equal(spans[1]!.flat['aws.s3.bucket'], 'photos');
    assert.equal(spans[2]!.flat['aws.sns.topic.arn'], 'arn:aws:sns:eu-west-1:1:orders');

    // Nothing in a request of v2 says that it is another try of an earlier one.
    stub.clear();
    stub.failNext({ status: 500, body: '{}' }, { status: 503, body: '{}' });
    fn.otlp.clear();
    const retried = await fn.invoke({ endpoint: stub.url, maxRetries: 3 }, { traceHeader: HEADER });
    assert.equal(retried.json(), 'done');
    assert.deepEqual(
      clientSpans(fn).map(({ name, flat, status }) => [name, flat['http.response.status_code'], status?.code === 2]),
      [
        ['DynamoDB.GetItem', 500, true],
        ['DynamoDB.GetItem', 503, true],
        ['DynamoDB.GetItem', 200, false],
      ],
    );
  });
}
