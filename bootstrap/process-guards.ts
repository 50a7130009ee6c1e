// How the process ends: uncaught exceptions, rejections that nobody caught, SIGTERM, failures of the runtime itself. What is
// recorded is flushed first; user code's own listeners run as well. The only place that ends the process.

import { unhandledRejection } from '../runtime/errors.ts';
import type { InvocationObserver } from '../runtime/lifecycle.ts';
import { setImmediate, wallNow } from '../runtime/untouched.ts';

/** How the process comes to its very end, where nothing asynchronous happens any more. */
export type ProcessExit = { readonly how: 'exit' | 'abort'; readonly exitCode?: number };

export const EXIT_FAILURE = 1;
/** The managed Node 22 runtime's codes. */
export const EXIT_UNHANDLED_REJECTION = 128;
export const EXIT_UNCAUGHT_EXCEPTION = 129;

/** Lambda gives a runtime with an internal extension about 300 ms between SIGTERM and SIGKILL. */
const SHUTDOWN_FLUSH_MS = 250;
/** A crash answers the invocation first; what is left to the flush must not keep the platform waiting. */
const CRASH_FLUSH_MS = 500;

export type GuardOptions = {
  readonly process: NodeJS.Process;
  readonly log: { logUncaughtException(error: unknown): void; logUnhandledRejection(error: unknown): void };
  /** Tells the platform, as far as it waits for an answer. Never rejects. */
  fail(error: unknown): Promise<void>;
  readonly flush: InvocationObserver['flush'];
  /** The very end. Never throws. */
  exit(end: ProcessExit): void;
};

/** Returns whether the process is about to end: nothing more may be begun then. */
export function guardProcess({ process, log, fail, flush, exit }: GuardOptions): () => boolean {
  let isEnding = false;
  const crash = async (error: unknown, exitCode: number): Promise<void> => {
    isEnding = true;
    await fail(error);
    await endProcess(process, { flush }, exitCode);
  };
  process.on('uncaughtException', (error) => {
    if (isEnding) return;
    log.logUncaughtException(error);
    void crash(error, EXIT_UNCAUGHT_EXCEPTION);
  });
  process.on('unhandledRejection', (reason, promise) => {
    if (isEnding) return;
    const error = unhandledRejection(reason, promise);
    log.logUnhandledRejection(error);
    void crash(error, EXIT_UNHANDLED_REJECTION);
  });
  process.on('SIGTERM', () => {
    // A listener of the user's decides itself when the process may end.
    const hasUserListener = process.listenerCount('SIGTERM') > 1;
    void flush('shutdown', wallNow() + SHUTDOWN_FLUSH_MS).then(() => {
      if (!hasUserListener && !isEnding) process.exit(0);
    });
  });
  // Also after `process.exit()` in user code, and when the event loop has run dry.
  process.on('exit', (exitCode) => exit({ how: 'exit', exitCode }));
  const abort: () => never = process.abort.bind(process);
  process.abort = (): never => {
    exit({ how: 'abort' });
    return abort();
  };
  return () => isEnding;
}

/** Flushes and ends the process. `unreported`: Node's report of it is wanted in the log before. */
export async function endProcess(
  process: NodeJS.Process,
  observer: Pick<InvocationObserver, 'flush'>,
  exitCode: number,
  unreported?: SyntaxError,
): Promise<void> {
  await observer.flush('crash', wallNow() + CRASH_FLUSH_MS);
  if (unreported !== undefined) await reportUncaught(process, unreported);
  process.exit(exitCode);
}

/**
 * Lets Node report an exception that nobody caught, which ends the process with code 1: in which file and line of an ES module a syntax
 * error is Node tells nowhere else. Resolves where somebody has all exceptions handed to himself.
 */
function reportUncaught(process: NodeJS.Process, error: SyntaxError): Promise<void> {
  process.removeAllListeners('uncaughtException');
  return new Promise((resolve) => {
    setImmediate(() => {
      setImmediate(resolve);
      throw error;
    });
  });
}
