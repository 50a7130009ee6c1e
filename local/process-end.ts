// How a program of this folder ends: by its last line, or in the middle by a signal. What must not stay behind is named here.

const works = new Set<() => void>();
process.once('exit', () => {
  for (const work of works) work();
});

/**
 * Does `work` once: when the result is disposed of, or when the process ends before that. `work` must be synchronous, and what it
 * removes need not be there any more.
 */
export function atProcessEnd(work: () => void): Disposable {
  const entry = (): void => work();
  works.add(entry);
  return {
    [Symbol.dispose]() {
      if (works.delete(entry)) work();
    },
  };
}

const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Leaves by exit() when a signal comes, so that what was named above is done and the emulator's processes are ended. */
export function exitOnSignals(): void {
  for (const [signal, code] of Object.entries(CODES)) process.once(signal, () => process.exit(code));
}
