// Signs requests for AWS (Signature Version 4; AWS General Reference, "Create a signed AWS API request"). Byte for byte what the
// AWS SDK signs, in a hundredth of its size. Queries with parameters are not covered: nobody here sends one.

import { RealDate, wallNow } from '../../../runtime/untouched.ts';

export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
};

export type SigningOptions = {
  readonly service: string;
  readonly region: string;
  /** Asked for every request: they are rotated. */
  credentials(): Promise<AwsCredentials>;
  /** Epoch milliseconds; the clock when absent. */
  now?(): number;
};

export type UnsignedRequest = {
  readonly url: URL;
  /** Those to be signed, names in lower case; `host` and the dates are added. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes as they are sent. */
  readonly body: Uint8Array;
};

// Loaded with the first signature: evaluating node:crypto takes 3 ms.
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');

const sha256 = (data: string | Uint8Array): string => crypto().createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, text: string): Buffer =>
  crypto().createHmac('sha256', key).update(text).digest();

/** The headers that make a POST a signed one: authorization, date, hash of the body, session token. */
export async function signedHeaders(
  options: SigningOptions,
  { url, headers, body }: UnsignedRequest,
): Promise<Record<string, string>> {
  const { service, region } = options;
  const { accessKeyId, secretAccessKey, sessionToken } = await options.credentials();
  const time = new RealDate(options.now?.() ?? wallNow()).toISOString().replace(/[-:]|\.\d+/g, '');
  const date = time.slice(0, 8);
  const added = {
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    ...(sessionToken && { 'x-amz-security-token': sessionToken }),
  };
  const signed = Object.entries({ ...headers, ...added, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const canonicalHeaders = signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}\n`).join('');
  const payload = added['x-amz-content-sha256'];
  const canonicalRequest = ['POST', canonicalPath(url.pathname), '', canonicalHeaders, names, payload].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonicalRequest)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Uint8Array>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...added, authorization };
}

/** Every service but S3 signs the path encoded once more. */
function canonicalPath(path: string): string {
  return path
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/');
}
