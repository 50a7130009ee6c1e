// A look at a body that is given at once, as AWS's SDKs do for everything but uploads: the first `write` or `end` of this one
// request passes through here, and nothing afterwards.

import type { Writable } from 'node:stream';

/** Longer bodies are not looked at. */
export const MAX_BODY_BYTES = 64 * 1024;

type Method = (...args: unknown[]) => unknown;
type Methods = { write: Method; end: Method };

/** Calls `take` with the first chunk, if it is text or bytes of at most 64 KiB. */
export function readBodyOf(request: Writable, take: (body: string | Uint8Array) => void): void {
  const target = request as unknown as Methods;
  const originals: Methods = { write: target.write, end: target.end };
  const peeking = {} as Methods;
  let isTaken = false;
  for (const name of ['write', 'end'] as const) {
    peeking[name] = function (this: unknown, ...args: unknown[]): unknown {
      if (!isTaken) {
        isTaken = true;
        restore(target, originals, peeking);
        const [chunk] = args;
        if ((typeof chunk === 'string' || chunk instanceof Uint8Array) && chunk.length <= MAX_BODY_BYTES) {
          takeQuietly(chunk, take);
        }
      }
      return Reflect.apply(originals[name], this, args);
    };
    Object.defineProperty(request, name, { configurable: true, writable: true, value: peeking[name] });
  }
}

/** What somebody has put over ours meanwhile stays. */
function restore(target: Methods, originals: Methods, peeking: Methods): void {
  const prototype = Object.getPrototypeOf(target) as Methods;
  for (const name of ['write', 'end'] as const) {
    if (target[name] !== peeking[name]) continue;
    if (prototype[name] === originals[name]) delete (target as Partial<Methods>)[name];
    else target[name] = originals[name];
  }
}

function takeQuietly(chunk: string | Uint8Array, take: (body: string | Uint8Array) => void): void {
  try {
    take(chunk);
  } catch {}
}
