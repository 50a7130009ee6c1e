// What is active where: the OpenTelemetry context and the invocation it belongs to, carried along async work. It serves user
// code as OpenTelemetry's context manager without any OpenTelemetry package being loaded.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context, ContextManager, Span } from '@opentelemetry/api';

/** An immutable context as a chain of single values: cheap to make, and chains are a handful long. */
class ChainedContext implements Context {
  readonly #key: symbol | undefined;
  readonly #value: unknown;
  readonly #rest: ChainedContext | undefined;

  constructor(key?: symbol, value?: unknown, rest?: ChainedContext) {
    this.#key = key;
    this.#value = value;
    this.#rest = rest;
  }

  getValue(key: symbol): unknown {
    let at: ChainedContext | undefined = this;
    while (at !== undefined && at.#key !== key) at = at.#rest;
    return at === undefined ? undefined : at.#value;
  }

  setValue(key: symbol, value: unknown): Context {
    return new ChainedContext(key, value, this);
  }

  deleteValue(key: symbol): Context {
    return new ChainedContext(key, undefined, this);
  }
}

export const ROOT_CONTEXT: Context = new ChainedContext();

/** The key under which every copy of `@opentelemetry/api` 1.x keeps the active span. */
const SPAN_KEY = Symbol.for('OpenTelemetry Context Key SPAN');

export const spanOf = (context: Context): Span | undefined => context.getValue(SPAN_KEY) as Span | undefined;
export const withSpan = (context: Context, span: Span): Context => context.setValue(SPAN_KEY, span);

/** The key under which every copy of `@opentelemetry/core` says that what happens here is not to be traced. */
const SUPPRESS_KEY = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

export const isSuppressed = (context: Context): boolean => context.getValue(SUPPRESS_KEY) === true;

/** Where our own traffic happens: nobody makes spans of it. */
export const UNTRACED_CONTEXT: Context = ROOT_CONTEXT.setValue(SUPPRESS_KEY, true);

/** Kept beside the context, not in it: user code may replace the context by one that knows nothing of us. */
type Store<Owner> = {
  /** undefined: the owner's own. */
  readonly context: Context | undefined;
  readonly owner: Owner | undefined;
};

/** `Owner` is whatever async work belongs to: an invocation under observation. Its context may be long in the making. */
export class ActiveContext<Owner extends { readonly context: Context }> implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Store<Owner>>();
  readonly #bindEmitter: (context: Context, target: object) => object;

  /** `bindEmitter` binds an event emitter's listeners; it is asked for only when someone binds one. */
  constructor(bindEmitter: (context: Context, target: object) => object) {
    this.#bindEmitter = bindEmitter;
  }

  active(): Context {
    const store = this.#storage.getStore();
    return store === undefined ? ROOT_CONTEXT : (store.context ?? store.owner?.context ?? ROOT_CONTEXT);
  }

  owner(): Owner | undefined {
    return this.#storage.getStore()?.owner;
  }

  /** Runs `work` in the context of `owner`. */
  runFor<T>(owner: Owner, work: () => T): T {
    return this.#storage.run({ context: undefined, owner }, work);
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const work = thisArg === undefined || thisArg === null ? fn : fn.bind(thisArg);
    return this.#storage.run({ context, owner: this.owner() }, work as F, ...args);
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target === 'function') {
      const manager = this;
      const bound = function (this: unknown, ...args: unknown[]): unknown {
        return manager.with(context, () => target.apply(this, args));
      };
      Object.defineProperty(bound, 'length', { configurable: true, value: target.length });
      return bound as T;
    }
    if (typeof target === 'object' && target !== null && 'addListener' in target) {
      return this.#bindEmitter(context, target) as T;
    }
    return target;
  }

  enable(): this {
    return this;
  }

  /** User code cannot switch the runtime's own context off. */
  disable(): this {
    return this;
  }
}
