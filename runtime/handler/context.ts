// The `context` argument of a handler: a plain object with the managed runtimes' fields.
// Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Node.js function information".

import { runtimeError } from '../errors.ts';
import type { Invocation } from '../lifecycle.ts';
import { parseJson, wallNow } from '../untouched.ts';

/** What of a function's configuration the context shows; read anew for every invocation, as user code may change it. */
export type FunctionIdentity = {
  readonly functionName: string | undefined;
  readonly functionVersion: string | undefined;
  readonly memoryLimitInMB: string | undefined;
  readonly logGroupName: string | undefined;
  readonly logStreamName: string | undefined;
};

export type LambdaContext = FunctionIdentity & {
  clientContext: unknown;
  identity: unknown;
  invokedFunctionArn: string;
  awsRequestId: string;
  tenantId: string | undefined;
  xRayTraceId: string | undefined;
  getRemainingTimeInMillis(): number;
};

/**
 * Builds the fields that every kind of handler gets.
 * @throws Error when the client context or the Cognito identity is not JSON: an error of this invocation, not of the runtime
 */
export function createContext(
  invocation: Invocation,
  identity: FunctionIdentity,
  traceHeader: string | undefined,
): LambdaContext {
  const { deadlineEpochMs } = invocation;
  return {
    functionVersion: identity.functionVersion,
    functionName: identity.functionName,
    memoryLimitInMB: identity.memoryLimitInMB,
    logGroupName: identity.logGroupName,
    logStreamName: identity.logStreamName,
    clientContext: parseField(invocation.clientContextJson, 'ClientContext'),
    identity: parseField(invocation.cognitoIdentityJson, 'CognitoIdentity'),
    invokedFunctionArn: invocation.invokedFunctionArn,
    awsRequestId: invocation.requestId,
    tenantId: invocation.tenantId,
    xRayTraceId: traceHeader,
    getRemainingTimeInMillis: () => deadlineEpochMs - wallNow(),
  };
}

function parseField(json: string | undefined, field: string): unknown {
  if (json === undefined) return undefined;
  try {
    return parseJson(json);
  } catch (error) {
    throw runtimeError('ContextHeaderMalformed', { field, problem: error });
  }
}
