import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SigningOptions, signedHeaders } from '../../../../instrumentation/export/aws/sigv4.ts';
import { assertSigned } from '../../../support/aws-signature.ts';
import { fc } from '../../../support/property.ts';

// AWS's own example credentials, from its documentation of signatures.
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const signing: SigningOptions = {
  service: 'xray',
  region: 'us-east-1',
  now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
  credentials: async () => ({
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: SECRET,
    sessionToken: 'SESSIONTOKENEXAMPLE',
  }),
};
const url = new URL('https://xray.us-east-1.amazonaws.com/v1/traces');
const body = Uint8Array.of(0x0a, 0x00);

// Made with @smithy/signature-v4 5.7.5 and aws4 1.13.2, which agree.
for (const [what, headers, signedNames, signature] of [
  [
    'plain',
    { 'content-type': 'application/x-protobuf' },
    'content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token',
    'e1149b3b6f92ba427e4b098f11204926569a635b0dd9fb62556d3b5c31239f2d',
  ],
  [
    'compressed',
    { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
    'content-encoding;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token',
    '238da9a4b883497af36266baea1e656dc98b241254d1119e9e1db34a7c5077e8',
  ],
] as const) {
  test(`the signature is the AWS SDK’s: ${what}`, async () => {
    assert.deepEqual(await signedHeaders(signing, { url, headers, body }), {
      'x-amz-content-sha256': '102b51b9765a56a3e899f7cf0ee38e5251f9c503b357b330a49183eb7b155604',
      'x-amz-date': '20260102T030405Z',
      'x-amz-security-token': 'SESSIONTOKENEXAMPLE',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/xray/aws4_request, SignedHeaders=${signedNames}, Signature=${signature}`,
    });
  });
}

test('any request is signed so that the receiver agrees', async () => {
  const header = fc
    .stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
    .filter((name) => !/^(host|x-amz-.*|authorization)$/.test(name));
  const value = fc.stringMatching(/^[!-~]{1,12}( [!-~]{1,12})?$/);
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(header, value, { maxKeys: 5 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('/', '/v1/traces', '/a/b-c_d.e~f'),
      fc.option(value, { nil: undefined }),
      async (headers, bytes, path, sessionToken) => {
        const options = {
          ...signing,
          credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: SECRET, sessionToken }),
        };
        const target = new URL(`https://example.amazonaws.com:8443${path}`);
        const added = await signedHeaders(options, { url: target, headers, body: bytes });
        const sent = { ...headers, ...added, host: target.host };
        const signer = { secretAccessKey: SECRET, region: 'us-east-1', service: 'xray' };
        assert.equal(assertSigned({ method: 'POST', path, headers: sent, body: bytes }, signer), 'AKID');
        assert.equal('x-amz-security-token' in added, sessionToken !== undefined);
      },
    ),
    { numRuns: 200 },
  );
});

test('a path with characters of its own is encoded once more, as every service but S3 wants it', async () => {
  const target = new URL('https://example.amazonaws.com/a%20b/(c)');
  const added = await signedHeaders(signing, { url: target, headers: {}, body });
  const request = { method: 'POST', path: '/a%2520b/%28c%29', headers: { ...added, host: target.host }, body };
  assertSigned(request, { secretAccessKey: SECRET, region: 'us-east-1', service: 'xray' });
});
