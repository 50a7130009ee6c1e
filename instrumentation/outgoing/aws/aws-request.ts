// Recognises a call of an AWS API from the request alone, so that bundled and minified SDKs are as good as any: who signed it and
// for what, the target header, the path, the user agent, and, where the operation stands nowhere else, the body.

import type { Attributes } from '@opentelemetry/api';
import type { CallSpan } from '../call-scope.ts';
import type { Attempt, CallDescription, RequestFacts, ResponseFacts } from '../http/request-facts.ts';
import { BODY_NAMES, describeResource, isProducing, type Parameters } from './aws-resources.ts';
import { readSignatureScope, type SignatureScope } from './aws-signature.ts';
import { formTexts, topLevelTexts } from './body-fields.ts';
import { readRestRequest } from './rest-operations.ts';
import { readS3Request } from './s3-operations.ts';
import { serviceNameOf, signedServiceName } from './service-names.ts';

const CLIENT = 2;
const PRODUCER = 3;
const ERROR = 2;

export type AwsRequest = CallDescription & {
  readonly service: string;
  /** undefined: only the body tells, or nothing does. */
  readonly operation: string | undefined;
  /** Reads what the body tells into the span; absent when nothing is expected there. */
  readBody?(span: CallSpan, body: string | Uint8Array): void;
};

/** What speaks a protocol of the customer's own over a signed connection: HTTP, not a call of an API. */
const CUSTOMER_PROTOCOLS = new Set([
  'aoss',
  'aps',
  'appsync',
  'dsql',
  'elasticache',
  'es',
  'execute-api',
  'iotdevicegateway',
  'kafka-cluster',
  'mediastore',
  'memorydb',
  'neptune-db',
  'osis',
  'rds-db',
  'vpc-lattice-svcs',
]);

const SDK_AGENT = /(?:^|\s)aws-sdk-(?:js|nodejs)\//;
const SDK_API = /\sapi\/([a-z0-9-]{1,60})[#\s]/i;
/** Of an operation; whatever else stands in its place is none. */
const NAME = /^[A-Za-z0-9]{1,80}$/;

/** undefined: not a call of an AWS API. */
export function describeAwsRequest(facts: RequestFacts): AwsRequest | undefined {
  const { carrier, host, path } = facts;
  const agent = carrier.get('user-agent') ?? '';
  const isSdk = SDK_AGENT.test(agent) || SDK_AGENT.test(carrier.get('x-amz-user-agent') ?? '');
  const scope = readSignatureScope(carrier.get('authorization'), path);
  if (!isSdk && (scope === undefined || isCustomerProtocol(scope, host, path))) return undefined;
  const service = serviceOf(agent, scope, facts);
  return service === undefined ? undefined : describe(facts, service, scope);
}

function isCustomerProtocol({ signingName }: SignatureScope, host: string, path: string): boolean {
  return (
    CUSTOMER_PROTOCOLS.has(signingName) ||
    host.includes('.lambda-url.') ||
    /^\/v1\/(?:traces|metrics|logs)\b/.test(path)
  );
}

function serviceOf(agent: string, scope: SignatureScope | undefined, facts: RequestFacts): string | undefined {
  const api = SDK_API.exec(agent)?.[1];
  if (api !== undefined) return serviceNameOf(api);
  if (scope !== undefined) return signedServiceName(scope.signingName, facts.host, facts.path);
  // Not signed, as some calls of STS and Cognito are.
  const name = /^(?:[a-z0-9-]+\.)*?([a-z0-9-]+?)(?:-fips)?\.(?:[a-z]{2}(?:-[a-z]+)+-\d\.)?amazonaws\.com/.exec(
    facts.host,
  );
  return name === null ? undefined : signedServiceName(name[1]!, facts.host, facts.path);
}

function describe(facts: RequestFacts, service: string, scope: SignatureScope | undefined): AwsRequest {
  const { carrier, host, port, scheme } = facts;
  const region = scope?.region ?? regionOf(host);
  const { operation, parameters } = readOperation(facts, service);
  const attributes: Attributes = {
    'rpc.system': 'aws-api',
    'rpc.system.name': 'aws-api',
    'rpc.service': service,
    'server.address': host,
    'server.port': port ?? (scheme === 'https' ? 443 : 80),
    ...describeResource(service, operation, region, parameters),
  };
  if (operation !== undefined) attributes['rpc.method'] = operation;
  if (region !== undefined) attributes['cloud.region'] = region;
  const invocationType = carrier.get('x-amz-invocation-type');
  if (invocationType !== undefined && service === 'Lambda') attributes['aws.lambda.invocation_type'] = invocationType;
  const attempt = attemptOf(facts);
  if (attempt !== undefined && attempt.number > 1) attributes['http.request.resend_count'] = attempt.number - 1;
  return {
    name: nameOf(service, operation, facts.method),
    kind: operation !== undefined && isProducing(service, operation) ? PRODUCER : CLIENT,
    attributes,
    attempt,
    responded: describeResponse,
    service,
    operation,
    ...bodyReader(facts, service, operation, region, parameters),
  };
}

const nameOf = (service: string, operation: string | undefined, method: string): string =>
  operation === undefined ? `${service} ${method}` : `${service}.${operation}`;

function readOperation(
  { method, host, path, carrier }: RequestFacts,
  service: string,
): { readonly operation: string | undefined; readonly parameters: Parameters } {
  const target = carrier.get('x-amz-target');
  if (target !== undefined) {
    const name = target.slice(target.lastIndexOf('.') + 1);
    return { operation: NAME.test(name) ? name : undefined, parameters: {} };
  }
  if (service === 'S3') {
    const { operation, bucket, key } = readS3Request(method, host, path, (name) => carrier.get(name));
    return { operation, parameters: { Bucket: bucket, Key: key } };
  }
  const rest = readRestRequest(service, method, path);
  if (rest !== undefined) {
    return { operation: rest.operation, parameters: { FunctionName: rest.resource, modelId: rest.resource } };
  }
  const action = /[?&]Action=([A-Za-z0-9]{1,80})/.exec(path)?.[1];
  return { operation: action, parameters: {} };
}

function bodyReader(
  { method, carrier }: RequestFacts,
  service: string,
  operation: string | undefined,
  region: string | undefined,
  parameters: Parameters,
): Pick<AwsRequest, 'readBody'> {
  const type = carrier.get('content-type') ?? '';
  if (type.startsWith('application/x-amz-json')) {
    return {
      readBody(span, body) {
        const fields = topLevelTexts(textOf(body), BODY_NAMES);
        span.setAttributes(describeResource(service, operation, region, { ...parameters, ...fields }));
      },
    };
  }
  if (!type.startsWith('application/x-www-form-urlencoded')) return {};
  return {
    readBody(span, body) {
      const { Action, ...fields } = formTexts(textOf(body), ['Action', ...BODY_NAMES]);
      const found = operation ?? Action;
      if (found === undefined || !NAME.test(found)) return;
      span.updateName(nameOf(service, found, method));
      span.setAttribute('rpc.method', found);
      span.setAttributes(describeResource(service, found, region, fields));
      if (isProducing(service, found)) span.kind = PRODUCER;
    },
  };
}

const textOf = (body: string | Uint8Array): string =>
  typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');

function regionOf(host: string): string | undefined {
  return /(?:^|[.-])([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com/.exec(host)?.[1];
}

/** SDK v3 numbers its tries and gives all of one call the same id; v2 does not. */
function attemptOf({ carrier }: RequestFacts): Attempt | undefined {
  const callId = carrier.get('amz-sdk-invocation-id');
  const [, attempt, max] = /attempt=(\d{1,4})(?:.*?max=(\d{1,4}))?/.exec(carrier.get('amz-sdk-request') ?? '') ?? [];
  if (callId === undefined || attempt === undefined) return undefined;
  const number = Number(attempt);
  return { callId, number, isLast: max !== undefined && number >= Number(max) };
}

const REQUEST_IDS = ['x-amzn-requestid', 'x-amz-request-id', 'x-amzn-request-id'] as const;

export function describeResponse(span: CallSpan, response: ResponseFacts): void {
  const requestId = REQUEST_IDS.map((name) => response.header(name)).find((id) => id !== undefined);
  if (requestId !== undefined) span.setAttribute('aws.request_id', requestId);
  const extendedId = response.header('x-amz-id-2');
  if (extendedId !== undefined) span.setAttribute('aws.extended_request_id', extendedId);
  const functionError = response.header('x-amz-function-error');
  if (functionError !== undefined) span.setAttribute('aws.lambda.function_error', functionError);
  // `ResourceNotFoundException:http://internal.amazon.com/…` in some services.
  const errorType = response.header('x-amzn-errortype')?.split(':', 1)[0];
  if (response.status < 400) return;
  if (errorType) span.setAttribute('error.type', errorType);
  span.setStatus({ code: ERROR });
}
