// What user code can find out about the invocation it runs in without being handed it: the invoke store, and the trace header
// in the environment. With concurrent invocations the environment, of which there is one, is left alone.

import type { InvocationScope } from './invoke-store.ts';
import type { Invocation } from './lifecycle.ts';

export interface UserScope {
  run<T>(invocation: Invocation, traceHeader: string | undefined, work: () => T): T;
  /** Whose code is running; undefined before the first invocation. */
  current(): { readonly requestId: string; readonly tenantId: string | undefined } | undefined;
}

const TRACE_VARIABLE = '_X_AMZN_TRACE_ID';

/** `environment` gives the process's own, as user code may have replaced it: libraries of every kind read `_X_AMZN_TRACE_ID` there. */
export function createUserScope(
  store: InvocationScope,
  environment: () => { _X_AMZN_TRACE_ID?: string | undefined },
  isConcurrent: boolean,
): UserScope {
  return {
    run(invocation, traceHeader, work) {
      if (!isConcurrent) {
        // By way of Reflect: an object that user code has frozen must not fail the invocation.
        if (traceHeader === undefined) Reflect.deleteProperty(environment(), TRACE_VARIABLE);
        else Reflect.set(environment(), TRACE_VARIABLE, traceHeader);
      }
      const { requestId, tenantId, traceContext } = invocation;
      return store.run({ requestId, xrayTraceId: traceHeader, tenantId, ...traceContext }, work);
    },
    current: () => store.current(),
  };
}
