// Waiting for what a test expects, with a deadline and no sleeping in between.

/** Lets everything that is ready run, then looks again, until `isTrue`; fails after the deadline. */
export async function until(isTrue: () => boolean, what: string, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`did not come true within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything that is ready run: what has not happened afterwards waits for something. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
