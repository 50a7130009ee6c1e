// A subscription to a diagnostics channel that is always called after everybody else's: another tracer that writes its headers into
// the same request has done so by then.

import { channel } from 'node:diagnostics_channel';

type Listener = (message: unknown) => void;
type Subscribe = (listener: Listener) => void;

export function subscribeLast(name: string, listener: Listener): void {
  const it = channel(name);
  it.subscribe(listener);
  // The prototype of a channel changes with its first subscriber.
  const subscribe = (added: Listener): void => (Object.getPrototypeOf(it).subscribe as Subscribe).call(it, added);
  Object.defineProperty(it, 'subscribe', {
    configurable: true,
    writable: true,
    value(added: Listener) {
      subscribe(added);
      it.unsubscribe(listener);
      subscribe(listener);
    },
  });
}
