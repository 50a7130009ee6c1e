// `awslambda.InvokeStore`: data that belongs to the running invocation, for user code and libraries. The object is what the
// npm package `@aws/lambda-invoke-store` 0.3 would put there, so that a function's copy of that package shares it.

import type { AsyncLocalStorage } from 'node:async_hooks';

/** Keys of the fields that the runtime sets and nobody may change; the same symbols in every copy of the package. */
export const protectedKeys = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
  TRACEPARENT: Symbol.for('_AWS_LAMBDA_TRACEPARENT'),
  TRACESTATE: Symbol.for('_AWS_LAMBDA_TRACESTATE'),
  BAGGAGE: Symbol.for('_AWS_LAMBDA_BAGGAGE'),
} as const;

export type InvokeContext = Record<string | symbol, unknown>;

/** The public object, as the package types it. */
export interface InvokeStore {
  /** Copies of the package before 0.2 take the global object for their own class and read the keys from it. */
  readonly PROTECTED_KEYS: typeof protectedKeys;
  run<T>(context: InvokeContext, work: () => T): T;
  getContext(): InvokeContext | undefined;
  hasContext(): boolean;
  get<T = unknown>(key: string | symbol): T | undefined;
  /** @throws Error for a protected key, and outside of an invocation when invocations run concurrently */
  set(key: string | symbol, value: unknown): void;
  isProtectedKey(key: string | symbol): boolean;
  /** `-` outside of an invocation. */
  getRequestId(): string;
  getXRayTraceId(): string | undefined;
  getTenantId(): string | undefined;
  getTraceparent(): string | undefined;
  getTracestate(): string | undefined;
  getBaggage(): string | undefined;
}

export type InvocationFields = {
  readonly requestId: string;
  readonly xrayTraceId: string | undefined;
  readonly tenantId: string | undefined;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
};

/** The runtime's side of the store. */
export interface InvocationScope {
  readonly store: InvokeStore;
  /**
   * Runs `work` with the fields in the store. One invocation at a time: they stay until the next one, so that late work
   * belongs to that. Concurrent: they belong to `work` and what it starts.
   */
  run<T>(fields: InvocationFields, work: () => T): T;
  /** The invocation that the running code belongs to; undefined before the first, or outside of any. */
  current(): { readonly requestId: string; readonly tenantId: string | undefined } | undefined;
}

/** Where the context of the running code is kept. */
type ContextSlot = {
  get(): InvokeContext | undefined;
  /** The context to set a value in. */
  need(): InvokeContext;
  run<T>(context: InvokeContext, work: () => T): T;
};

/**
 * Makes the store. An `existing` one, left in `globalThis.awslambda` by a copy of the package that ran earlier, is used
 * further if it is of the same kind: its owner holds on to it.
 */
export function createInvokeStore(isMultiConcurrent: boolean, existing?: unknown): InvocationScope {
  const store = isCompatible(existing) ? existing : createStore(isMultiConcurrent ? asyncSlot() : plainSlot());
  return {
    store,
    run: (fields, work) => store.run(contextOf(fields), work),
    current() {
      const context = store.getContext();
      const requestId = context?.[protectedKeys.REQUEST_ID];
      if (typeof requestId !== 'string') return undefined;
      return { requestId, tenantId: context?.[protectedKeys.TENANT_ID] as string | undefined };
    },
  };
}

function contextOf(fields: InvocationFields): InvokeContext {
  const context: InvokeContext = {
    [protectedKeys.REQUEST_ID]: fields.requestId,
    [protectedKeys.X_RAY_TRACE_ID]: fields.xrayTraceId,
    [protectedKeys.TENANT_ID]: fields.tenantId,
  };
  if (fields.traceparent !== undefined) context[protectedKeys.TRACEPARENT] = fields.traceparent;
  if (fields.tracestate !== undefined) context[protectedKeys.TRACESTATE] = fields.tracestate;
  if (fields.baggage !== undefined) context[protectedKeys.BAGGAGE] = fields.baggage;
  return context;
}

function createStore(slot: ContextSlot): InvokeStore {
  const keys: readonly unknown[] = Object.values(protectedKeys);
  const get = <T>(key: string | symbol): T | undefined => slot.get()?.[key] as T | undefined;
  return {
    PROTECTED_KEYS: protectedKeys,
    run: (context, work) => slot.run(context, work),
    getContext: () => slot.get(),
    hasContext: () => slot.get() !== undefined,
    get,
    set(key, value) {
      if (keys.includes(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
      slot.need()[key] = value;
    },
    isProtectedKey: (key) => keys.includes(key),
    getRequestId: () => get(protectedKeys.REQUEST_ID) ?? '-',
    getXRayTraceId: () => get(protectedKeys.X_RAY_TRACE_ID),
    getTenantId: () => get(protectedKeys.TENANT_ID),
    getTraceparent: () => get(protectedKeys.TRACEPARENT),
    getTracestate: () => get(protectedKeys.TRACESTATE),
    getBaggage: () => get(protectedKeys.BAGGAGE),
  };
}

function plainSlot(): ContextSlot {
  let current: InvokeContext | undefined;
  return {
    get: () => current,
    need() {
      current ??= {};
      return current;
    },
    run(context, work) {
      current = context;
      return work();
    },
  };
}

function asyncSlot(): ContextSlot {
  // Only here: with one invocation at a time, nothing pays for async context.
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks');
  const storage: AsyncLocalStorage<InvokeContext> = new AsyncLocalStorage();
  return {
    get: () => storage.getStore(),
    need() {
      const context = storage.getStore();
      if (context === undefined) throw new Error('No context available');
      return context;
    },
    run: (context, work) => storage.run(context, work),
  };
}

function isCompatible(value: unknown): value is InvokeStore {
  const store = value as Partial<InvokeStore> | null | undefined;
  return (
    typeof store?.run === 'function' &&
    typeof store.getContext === 'function' &&
    typeof store.isProtectedKey === 'function' &&
    store.isProtectedKey(protectedKeys.REQUEST_ID) === true
  );
}
