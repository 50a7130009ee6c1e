// What user code can find out about the invocation it runs in without being handed it: the invoke store, and the trace header
// in the environment. With concurrent invocations the environment, of which there is one, is left alone.

import type { InvocationScope } from './invoke-store.ts';
import type { Invocation } from './lifecycle.ts';

export interface UserScope {
  run<T>(invocation: Invocation, traceHeader: string | undefined, work: () => T): T;
  /** Whose code is running; undefined before the first invocation. */
  current(): { readonly requestId: string; readonly tenantId: string | undefined } | undefined;
}

/** `environment` is the process's own: libraries of every kind read `_X_AMZN_TRACE_ID` there. */
export function createUserScope(
  store: InvocationScope,
  environment: { _X_AMZN_TRACE_ID?: string | undefined },
  isConcurrent: boolean,
): UserScope {
  return {
    run(invocation, traceHeader, work) {
      if (!isConcurrent) {
        if (traceHeader === undefined) delete environment._X_AMZN_TRACE_ID;
        else environment._X_AMZN_TRACE_ID = traceHeader;
      }
      const { requestId, tenantId, traceContext } = invocation;
      return store.run({ requestId, xrayTraceId: traceHeader, tenantId, ...traceContext }, work);
    },
    current: () => store.current(),
  };
}
