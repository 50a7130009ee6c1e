// Notices that the event loop has run dry: nothing the user started is left that could ever finish the invocation.

/** Calls back once when the event loop has run dry; the returned function takes the request back. */
export type WhenIdle = (callback: () => void) => () => void;

/** Watches `beforeExit`; one listener serves all who wait. */
export function watchEventLoop(process: NodeJS.Process): WhenIdle {
  const waiting = new Set<() => void>();
  process.on('beforeExit', () => {
    // Whoever waits starts new work (a POST), which keeps the process alive.
    const callbacks = [...waiting];
    waiting.clear();
    for (const callback of callbacks) callback();
  });
  return (callback) => {
    waiting.add(callback);
    return () => void waiting.delete(callback);
  };
}
