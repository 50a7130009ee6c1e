// Checks the signature of a request as AWS would, by the letter of "Create a signed AWS API request" and not by the code that
// signed it.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';

export type SignedRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
};

export type Signer = { readonly secretAccessKey: string; readonly region: string; readonly service: string };

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** Asserts that the request is signed with this secret, for this region and service. Returns the access key's id. */
export function assertSigned({ method, path, headers, body }: SignedRequest, signer: Signer): string {
  const match = AUTHORIZATION.exec(String(headers.authorization));
  assert.ok(match, `no signature in ${headers.authorization}`);
  const [, keyId, date, region, service, signedNames, signature] = match;
  assert.deepEqual([region, service], [signer.region, signer.service]);
  const names = signedNames!.split(';');
  assert.deepEqual(names, names.toSorted(), 'signed headers are sorted');
  for (const name of ['host', 'x-amz-date']) assert.ok(names.includes(name), `${name} is signed`);
  if (headers['x-amz-security-token'] !== undefined) assert.ok(names.includes('x-amz-security-token'));
  const time = String(headers['x-amz-date']);
  assert.match(time, new RegExp(`^${date}T\\d{6}Z$`));
  const payloadHash = createHash('sha256').update(body).digest('hex');
  assert.equal(headers['x-amz-content-sha256'], payloadHash);
  const canonical = [
    method,
    path,
    '',
    ...names.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedNames,
    payloadHash,
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: string | Buffer = `AWS4${signer.secretAccessKey}`;
  for (const part of [date!, region!, service!, 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  assert.equal(createHmac('sha256', key).update(toSign).digest('hex'), signature);
  return keyId!;
}
