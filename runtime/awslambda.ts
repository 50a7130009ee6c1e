// The global object `awslambda`, through which user code reaches the streaming functions and the invoke store.

import { HttpResponseStream } from './http-response-stream.ts';
import { createInvokeStore, type InvocationScope } from './invoke-store.ts';
import { streamifyResponse } from './streaming-mark.ts';

export type AwslambdaOptions = {
  readonly isMultiConcurrent: boolean;
  /** `AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA` is `1` or `true`: no global; the store serves the runtime alone. */
  readonly isGlobalHidden: boolean;
  /** Default: `globalThis`. */
  readonly globals?: { awslambda?: unknown };
};

/** Defines the global before user code is loaded. An object that is already there is extended, not replaced. */
export function installAwslambda(options: AwslambdaOptions): InvocationScope {
  const { isMultiConcurrent, isGlobalHidden, globals = globalThis as { awslambda?: unknown } } = options;
  if (isGlobalHidden) return createInvokeStore(isMultiConcurrent);
  const { awslambda } = globals;
  const found = typeof awslambda === 'object' && awslambda !== null ? awslambda : undefined;
  const scope = createInvokeStore(isMultiConcurrent, (found as { InvokeStore?: unknown } | undefined)?.InvokeStore);
  const members = { streamifyResponse, HttpResponseStream, InvokeStore: scope.store };
  if (found !== undefined && Object.isExtensible(found)) Object.assign(found, members);
  else globals.awslambda = { ...found, ...members };
  return scope;
}
