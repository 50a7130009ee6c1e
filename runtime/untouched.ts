// Node's built-ins as they were before user code could mock them: fake timers, a frozen clock. Most bundles are evaluated after user
// code, and each has a copy of this file: what the first copy, in the bundle of the runtime, took serves them all.

const TAKEN = Symbol.for('spanstrap.untouched');

// Not `performance`: to touch it loads `perf_hooks`, 1.4 ms of every start.
function take() {
  const { setTimeout, clearTimeout, setImmediate, Date: RealDate } = globalThis;
  const { nextTick, uptime } = process;
  return Object.freeze({
    setTimeout,
    clearTimeout,
    setImmediate,
    nextTick,
    /** Seconds since the process began, on the monotonic clock. */
    uptime,
    RealDate,
    /** Epoch milliseconds. */
    wallNow: RealDate.now,
    random: Math.random,
    parseJson: JSON.parse,
    stringifyJson: JSON.stringify,
  });
}

const holder = globalThis as { readonly [TAKEN]?: ReturnType<typeof take> };
if (holder[TAKEN] === undefined) Object.defineProperty(globalThis, TAKEN, { value: take(), configurable: true });

export const {
  setTimeout,
  clearTimeout,
  setImmediate,
  nextTick,
  uptime,
  RealDate,
  wallNow,
  random,
  parseJson,
  stringifyJson,
} = holder[TAKEN]!;
