// Headers out of secrets, against a stub of AWS's services that checks every signature.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fetchHeaderSecret, type HeaderSecretOptions } from '../../../../instrumentation/export/aws/header-secret.ts';
import { assertSigned } from '../../../support/aws-signature.ts';
import { type HttpServer, startHttpServer } from '../../../support/http-server.ts';

const SECRET_ACCESS_KEY = 'secret-access-key';
const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:otlp/headers-AbCdEf';
const PARAMETER_ARN = 'arn:aws:ssm:eu-central-1:123456789012:parameter/otlp/headers';

type Answer = { readonly status?: number; readonly body: unknown };

/** Asserts the signature of each request; a failed assertion comes back as status 403, as it would from AWS. */
async function startAws(
  t: TestContext,
  service: string,
  answer: (input: Record<string, unknown>) => Answer,
): Promise<HttpServer> {
  return startHttpServer(t, (request, response) => {
    try {
      const signer = { secretAccessKey: SECRET_ACCESS_KEY, region: 'eu-central-1', service };
      assert.equal(assertSigned(request, signer), 'AKID');
      assert.equal(request.headers['content-type'], 'application/x-amz-json-1.1');
      const { status = 200, body } = answer(JSON.parse(request.body.toString()) as Record<string, unknown>);
      response.writeHead(status).end(JSON.stringify(body));
    } catch (error) {
      response.writeHead(403).end(JSON.stringify({ __type: 'InvalidSignatureException', message: String(error) }));
    }
  });
}

const optionsFor = (reference: string, port: number): HeaderSecretOptions => ({
  reference,
  region: 'eu-central-1',
  functionName: 'orders',
  endpoints: {
    secretsmanager: `http://127.0.0.1:${port}`,
    ssm: `http://127.0.0.1:${port}`,
    kms: `http://127.0.0.1:${port}`,
  },
  timeoutMs: 5000,
  credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: SECRET_ACCESS_KEY, sessionToken: 'session' }),
});

const HEADERS = { authorization: 'Bearer a=b', 'x-team': 'größe' };

for (const [what, text] of [
  ['key=value pairs', 'authorization=Bearer%20a%3Db, x-team=gr%C3%B6%C3%9Fe'],
  ['a JSON object', JSON.stringify(HEADERS)],
] as const) {
  test(`Secrets Manager, ${what}`, async (t) => {
    const server = await startAws(t, 'secretsmanager', () => ({ body: { SecretString: text } }));
    assert.deepEqual(await fetchHeaderSecret(optionsFor(SECRET_ARN, server.port)), HEADERS);
    const [request] = server.requests;
    assert.equal(request?.headers['x-amz-target'], 'secretsmanager.GetSecretValue');
    assert.deepEqual(JSON.parse(request!.body.toString()), { SecretId: SECRET_ARN });
    assert.equal(request?.headers['x-amz-security-token'], 'session');
  });
}

test('Secrets Manager, binary', async (t) => {
  const SecretBinary = Buffer.from('a=1').toString('base64');
  const server = await startAws(t, 'secretsmanager', () => ({ body: { SecretBinary } }));
  assert.deepEqual(await fetchHeaderSecret(optionsFor(SECRET_ARN, server.port)), { a: '1' });
});

test('Parameter Store, decrypted', async (t) => {
  const server = await startAws(t, 'ssm', (input) => {
    assert.deepEqual(input, { Name: PARAMETER_ARN, WithDecryption: true });
    return { body: { Parameter: { Value: 'a=1' } } };
  });
  assert.deepEqual(await fetchHeaderSecret(optionsFor(PARAMETER_ARN, server.port)), { a: '1' });
  assert.equal(server.requests[0]?.headers['x-amz-target'], 'AmazonSSM.GetParameter');
});

test('KMS: with the context of Lambda’s console', async (t) => {
  const server = await startAws(t, 'kms', ({ CiphertextBlob, EncryptionContext }) => {
    assert.equal(CiphertextBlob, 'Y2lwaGVy');
    assert.deepEqual(EncryptionContext, { LambdaFunctionName: 'orders' });
    return { body: { Plaintext: Buffer.from('a=1').toString('base64') } };
  });
  assert.deepEqual(await fetchHeaderSecret(optionsFor('kms:Y2lwaGVy', server.port)), { a: '1' });
  assert.equal(server.requests[0]?.headers['x-amz-target'], 'TrentService.Decrypt');
});

test('KMS: without a context, when that is how it was encrypted', async (t) => {
  const server = await startAws(t, 'kms', ({ EncryptionContext }) =>
    EncryptionContext === undefined
      ? { body: { Plaintext: Buffer.from('a=1').toString('base64') } }
      : { status: 400, body: { __type: 'InvalidCiphertextException' } },
  );
  assert.deepEqual(await fetchHeaderSecret(optionsFor('kms:Y2lwaGVy', server.port)), { a: '1' });
});

for (const [what, reference, answer, reason] of [
  [
    'no permission',
    SECRET_ARN,
    { status: 400, body: { __type: 'com.amazon#AccessDeniedException', Message: 'not authorized' } },
    /otlp\/headers-AbCdEf: secretsmanager answered 400, AccessDeniedException: not authorized$/,
  ],
  ['not JSON', SECRET_ARN, { status: 500, body: '' }, /secretsmanager answered 500, no reason given$/],
  ['no text', SECRET_ARN, { body: {} }, /has no text in it$/],
  [
    'not headers',
    SECRET_ARN,
    { body: { SecretString: 'hunter2' } },
    /is neither key=value,key=value nor a JSON object/,
  ],
  ['not texts', SECRET_ARN, { body: { SecretString: '{"a":{"b":1}}' } }, /is neither/],
  ['half JSON', SECRET_ARN, { body: { SecretString: '{"a":' } }, /is neither/],
  ['bad encoding', SECRET_ARN, { body: { SecretString: 'a=%zz' } }, /is neither/],
  [
    'no KMS key',
    'kms:Y2lwaGVy',
    { status: 400, body: { __type: 'NotFoundException' } },
    /the KMS secret: kms answered 400/,
  ],
] as const) {
  test(`${what}: the reason, and nothing of what is in it`, async (t) => {
    const service = reference.startsWith('kms:') ? 'kms' : 'secretsmanager';
    const server = await startAws(t, service, () => answer);
    await assert.rejects(fetchHeaderSecret(optionsFor(reference, server.port)), (error) => {
      assert.match((error as Error).message, reason);
      assert.doesNotMatch((error as Error).message, /hunter2|Y2lwaGVy|secret-access-key/);
      return true;
    });
  });
}

for (const reference of ['nonsense', 'arn:aws:s3:::bucket', 'arn:aws:ssm:', 'kms:']) {
  test(`${reference} names no secret`, async () => {
    await assert.rejects(fetchHeaderSecret(optionsFor(reference, 1)), /SPANSTRAP_OTLP_HEADERS_SECRET is neither/);
  });
}

test('a service that hangs is not waited for', async (t) => {
  const server = await startHttpServer(t, () => {});
  await assert.rejects(
    fetchHeaderSecret({ ...optionsFor(SECRET_ARN, server.port), timeoutMs: 50 }),
    /did not answer in 50 ms/,
  );
});

test('KMS needs a region', async () => {
  await assert.rejects(fetchHeaderSecret({ ...optionsFor('kms:YQ==', 1), region: undefined }), /AWS_REGION is not set/);
});
