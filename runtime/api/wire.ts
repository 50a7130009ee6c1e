// Names and limits of the Lambda Runtime, Extensions and Telemetry APIs, as they stand on the wire.
// Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes" and "Extensions API reference".

export const RUNTIME_API_BASE = '/2018-06-01/runtime';
export const EXTENSIONS_API_BASE = '/2020-01-01/extension';
export const TELEMETRY_API_PATH = '/2022-07-01/telemetry';

export const NEXT_PATH = `${RUNTIME_API_BASE}/invocation/next`;
export const INIT_ERROR_PATH = `${RUNTIME_API_BASE}/init/error`;
export const EXTENSION_REGISTER_PATH = `${EXTENSIONS_API_BASE}/register`;
export const EXTENSION_NEXT_PATH = `${EXTENSIONS_API_BASE}/event/next`;

/** Path of one invocation's answer; the id is percent-encoded because it comes from the caller. */
export const responsePath = (requestId: string): string =>
  `${RUNTIME_API_BASE}/invocation/${encodeURIComponent(requestId)}/response`;

/** Path of one invocation's error; the id is percent-encoded because it comes from the caller. */
export const errorPath = (requestId: string): string =>
  `${RUNTIME_API_BASE}/invocation/${encodeURIComponent(requestId)}/error`;

/** Header names in lower case, the form in which the HTTP reader hands them out; on the wire case does not matter. */
export const headers = {
  requestId: 'lambda-runtime-aws-request-id',
  invocationId: 'lambda-runtime-invocation-id',
  deadlineMs: 'lambda-runtime-deadline-ms',
  invokedFunctionArn: 'lambda-runtime-invoked-function-arn',
  traceId: 'lambda-runtime-trace-id',
  clientContext: 'lambda-runtime-client-context',
  cognitoIdentity: 'lambda-runtime-cognito-identity',
  tenantId: 'lambda-runtime-aws-tenant-id',
  responseMode: 'lambda-runtime-function-response-mode',
  errorType: 'lambda-runtime-function-error-type',
  errorBody: 'lambda-runtime-function-error-body',
  xrayErrorCause: 'lambda-runtime-function-xray-error-cause',
  extensionName: 'lambda-extension-name',
  extensionId: 'lambda-extension-identifier',
  extensionEventId: 'lambda-extension-event-identifier',
  extensionErrorType: 'lambda-extension-function-error-type',
} as const;

/** Largest event and largest buffered response: 6 MiB and 100 bytes. */
export const PAYLOAD_LIMIT_BYTES = 6_291_556;

export const HTTP_INTEGRATION_CONTENT_TYPE = 'application/vnd.awslambda.http-integration-response';
/** Ends the JSON prelude of a streamed HTTP response. */
export const HTTP_INTEGRATION_PRELUDE_END_BYTES = 8;
