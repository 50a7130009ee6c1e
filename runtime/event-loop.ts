// Notices that the event loop has run dry: nothing the user started is left that could ever finish the invocation.

import { Handful } from './handful.ts';
import { setImmediate } from './untouched.ts';

/** Lets the event loop see to its sockets once: what was written before goes out, and is under way while work goes on here. */
export const letEventLoopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Calls back once when the event loop has run dry; the returned function takes the request back. */
export type WhenIdle = (callback: () => void) => () => void;

/** Watches `beforeExit`; one listener serves all who wait. */
export function watchEventLoop(process: NodeJS.Process): WhenIdle {
  const waiting = new Handful<() => void>();
  process.on('beforeExit', () => {
    // Whoever waits starts new work (a POST), which keeps the process alive.
    for (const callback of waiting.takeAll()) callback();
  });
  return (callback) => {
    waiting.add(callback);
    return () => void waiting.delete(callback);
  };
}

/** What Node still holds open, for the message about a handler that can never finish; empty when there is nothing. */
export function describeResources(process: NodeJS.Process): string {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const named = [...counts].map(([kind, count]) => (count === 1 ? kind : `${count} ${kind}`));
  return named.length === 0 ? '' : `(still open, but not waited for: ${named.join(', ')})`;
}
