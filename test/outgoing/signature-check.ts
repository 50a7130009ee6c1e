// Checks the signature of a request as AWS does: made again from the bytes that came in, with the secret that both know.
// Source: AWS General Reference, "Create a signed AWS API request".

import { createHash, createHmac } from 'node:crypto';

/** Those that the emulator gives to functions. */
export const ACCESS_KEY = 'LOCALEMULATORKEY';
export const SECRET_KEY = 'local-emulator-secret';

export type SignedRequest = {
  readonly method: string;
  /** With the query, as it stood on the wire. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
};

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string): Buffer => createHmac('sha256', key).update(data).digest();

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** undefined: the signature is right; otherwise what is wrong. */
export function findSignatureFault(request: SignedRequest): string | undefined {
  const authorization = String(request.headers.authorization ?? '');
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (parts === null) return `no signature: ${authorization}`;
  const [, key, scope, names, signature] = parts as unknown as [string, string, string, string, string];
  if (key !== ACCESS_KEY) return `unknown key ${key}`;
  const signedNames = names.split(';');
  // AWS refuses unsigned headers of its own.
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith('x-amz-') && !signedNames.includes(name),
  );
  if (unsigned.length > 0) return `unsigned headers: ${unsigned}`;
  const service = scope.split('/')[2];
  const [pathname = '/', query = ''] = request.path.split('?');
  // Every service but S3 encodes the path once more.
  const canonicalPath =
    service === 's3'
      ? pathname
      : pathname
          .split('/')
          .map((part) => encode(part))
          .join('/');
  const parameters = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort((a, b) => (a < b ? -1 : 1));
  const lines = signedNames.map(
    (name) =>
      `${name}:${String(request.headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  );
  const stated = request.headers['x-amz-content-sha256'];
  const payload = typeof stated === 'string' && !/^[0-9a-f]{64}$/.test(stated) ? stated : sha256(request.body);
  if (typeof stated === 'string' && /^[0-9a-f]{64}$/.test(stated) && stated !== payload)
    return 'the body is not the one that was signed';
  const canonical = [request.method, canonicalPath, parameters.join('&'), lines.join(''), names, payload].join('\n');
  const date = String(request.headers['x-amz-date']);
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const signingKey = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${SECRET_KEY}`);
  const expected = hmac(signingKey, toSign).toString('hex');
  return expected === signature ? undefined : `the signature does not fit:\n${canonical}`;
}
