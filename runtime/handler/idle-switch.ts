// The property `callbackWaitsForEmptyEventLoop` of a context, which user code may set at any time, also through what it has made of
// the context.

/** Whether the result that a callback brings waits for an empty event loop: user code changes it through the context. */
export type IdleSwitch = { isAwaited: unknown };

const idleSwitches = new WeakMap<object, IdleSwitch>();
/** Of the latest context: a proxy of one is not found among them, and hardly stands for an older one. */
let latestSwitch: IdleSwitch = { isAwaited: true };

/**
 * One accessor for all contexts. An object whose accessors are functions of its own gets a map of its own from V8, which keeps it
 * until the next full collection, with the event and all else that those functions see: 2.3 kB per invocation.
 */
const idleAccessor: PropertyDescriptor & ThisType<object> = {
  get() {
    return switchOf(this).isAwaited;
  },
  set(value: unknown) {
    switchOf(this).isAwaited = value;
  },
  enumerable: true,
  configurable: true,
};

/** Of a context, or of what user code has made with one as its prototype. */
function switchOf(context: unknown): IdleSwitch {
  for (
    let owner: object | null = Object(context) as object;
    owner !== null;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    const found = idleSwitches.get(owner);
    if (found !== undefined) return found;
  }
  return latestSwitch;
}

/** An object with the property, which is behind `idle`. */
export function withIdleSwitch(idle: IdleSwitch): { callbackWaitsForEmptyEventLoop: boolean } {
  const context = Object.defineProperty({}, 'callbackWaitsForEmptyEventLoop', idleAccessor);
  idleSwitches.set(context, idle);
  latestSwitch = idle;
  return context as { callbackWaitsForEmptyEventLoop: boolean };
}
