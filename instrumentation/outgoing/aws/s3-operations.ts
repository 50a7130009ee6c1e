// Which S3 operation a request is, and on what: S3 names neither. Source: Amazon S3 API Reference, "Actions".

export type S3Request = {
  /** undefined: not one of the known shapes. */
  readonly operation: string | undefined;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
};

type Header = (name: string) => string | undefined;

/** Subresources that are asked for, set and removed: `?tagging` is `GetBucketTagging` or `GetObjectTagging`. */
const SUBRESOURCES: Readonly<Record<string, string>> = {
  accelerate: 'AccelerateConfiguration',
  acl: 'Acl',
  analytics: 'AnalyticsConfiguration',
  attributes: 'Attributes',
  cors: 'Cors',
  encryption: 'Encryption',
  'intelligent-tiering': 'IntelligentTieringConfiguration',
  inventory: 'InventoryConfiguration',
  'legal-hold': 'LegalHold',
  lifecycle: 'LifecycleConfiguration',
  location: 'Location',
  logging: 'Logging',
  metrics: 'MetricsConfiguration',
  notification: 'NotificationConfiguration',
  'object-lock': 'LockConfiguration',
  ownershipControls: 'OwnershipControls',
  policy: 'Policy',
  policyStatus: 'PolicyStatus',
  publicAccessBlock: 'PublicAccessBlock',
  replication: 'Replication',
  requestPayment: 'RequestPayment',
  retention: 'Retention',
  tagging: 'Tagging',
  torrent: 'Torrent',
  versioning: 'Versioning',
  website: 'Website',
};

const VERBS: Readonly<Record<string, string>> = { GET: 'Get', PUT: 'Put', DELETE: 'Delete', HEAD: 'Head' };

export function readS3Request(method: string, host: string, path: string, header: Header): S3Request {
  const question = path.indexOf('?');
  const pathname = question === -1 ? path : path.slice(0, question);
  const query = new URLSearchParams(question === -1 ? '' : path.slice(question + 1));
  const { bucket, key } = locate(host, pathname);
  // Where several operations look alike, SDK v3 says which one it is.
  const operation = query.get('x-id') ?? operationOf(method, bucket, key, query, header);
  return { operation: /^[A-Z][A-Za-z0-9]{2,60}$/.test(operation ?? '') ? operation : undefined, bucket, key };
}

/** `bucket.s3.region.amazonaws.com/key`, or `…/bucket/key` where the host is not the bucket's own. */
function locate(host: string, pathname: string): Pick<S3Request, 'bucket' | 'key'> {
  const virtual = /^(.+?)\.s3(?:express)?[.-](?:[a-z0-9.-]+\.)?amazonaws\.com(?:\.cn)?$/.exec(host)?.[1];
  const rest = pathname.slice(1);
  if (virtual !== undefined && !/^s3[.-]/.test(`${virtual}.`)) return { bucket: virtual, key: decoded(rest) };
  const slash = rest.indexOf('/');
  if (slash === -1) return { bucket: decoded(rest), key: undefined };
  return { bucket: decoded(rest.slice(0, slash)), key: decoded(rest.slice(slash + 1)) };
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function operationOf(
  method: string,
  bucket: string | undefined,
  key: string | undefined,
  query: URLSearchParams,
  header: Header,
): string | undefined {
  if (bucket === undefined) return method === 'GET' ? 'ListBuckets' : undefined;
  for (const [name, suffix] of Object.entries(SUBRESOURCES)) {
    const verb = VERBS[method];
    if (query.has(name) && verb !== undefined) {
      return `${verb}${key === undefined && name !== 'publicAccessBlock' ? 'Bucket' : key === undefined ? '' : 'Object'}${suffix}`;
    }
  }
  return key === undefined ? bucketOperation(method, query) : objectOperation(method, query, header);
}

function bucketOperation(method: string, query: URLSearchParams): string | undefined {
  if (method === 'HEAD') return 'HeadBucket';
  if (method === 'PUT') return 'CreateBucket';
  if (method === 'DELETE') return 'DeleteBucket';
  if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'PostObject';
  if (method !== 'GET') return undefined;
  if (query.has('uploads')) return 'ListMultipartUploads';
  if (query.has('versions')) return 'ListObjectVersions';
  if (query.has('session')) return 'CreateSession';
  return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
}

function objectOperation(method: string, query: URLSearchParams, header: Header): string | undefined {
  const hasUpload = query.has('uploadId');
  const isCopy = header('x-amz-copy-source') !== undefined;
  switch (method) {
    case 'HEAD':
      return 'HeadObject';
    case 'GET':
      return hasUpload ? 'ListParts' : 'GetObject';
    case 'DELETE':
      return hasUpload ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'PUT':
      if (hasUpload) return isCopy ? 'UploadPartCopy' : 'UploadPart';
      return isCopy ? 'CopyObject' : 'PutObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      if (hasUpload) return 'CompleteMultipartUpload';
      if (query.has('restore')) return 'RestoreObject';
      return query.has('select') ? 'SelectObjectContent' : undefined;
    default:
      return undefined;
  }
}
