// What a request tells about its AWS signature (version 4 and 4A), in the header or in the query of a presigned URL.
// Source: AWS General Reference, "Signature Version 4 for API requests". Nothing of the signature itself is kept.

export type SignatureScope = {
  /** Name of the service as it signs: `dynamodb`, `execute-api`. */
  readonly signingName: string;
  /** undefined for signatures of several regions (4A). */
  readonly region: string | undefined;
  readonly isPresigned: boolean;
};

const HEADER_SCOPE = /^AWS4-[A-Z0-9-]+\s+.*?Credential=[^/,\s]+\/([^,\s]+)/;
const QUERY_SCOPE = /[?&]X-Amz-Credential=([^&]+)/;

export function readSignatureScope(authorization: string | undefined, path: string): SignatureScope | undefined {
  const inHeader = authorization === undefined ? undefined : HEADER_SCOPE.exec(authorization)?.[1];
  if (inHeader !== undefined) return scopeOf(inHeader, false);
  const inQuery = QUERY_SCOPE.exec(path)?.[1];
  if (inQuery === undefined) return undefined;
  // The access key comes first: `AKID/20260102/eu-west-1/s3/aws4_request`, mostly with encoded slashes.
  const parts = inQuery.replaceAll('%2F', '/').replaceAll('%2f', '/');
  return scopeOf(parts.slice(parts.indexOf('/') + 1), true);
}

/** `20260102/eu-west-1/dynamodb/aws4_request`; without the region for 4A. */
function scopeOf(scope: string, isPresigned: boolean): SignatureScope | undefined {
  const parts = scope.split('/');
  if (parts.at(-1) !== 'aws4_request') return undefined;
  const signingName = parts.at(-2);
  if (signingName === undefined || !/^[a-z0-9-]{1,40}$/.test(signingName)) return undefined;
  const region = parts.length >= 4 ? parts.at(-3) : undefined;
  return { signingName, region, isPresigned };
}
