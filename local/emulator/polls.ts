// Long polls that wait for an event, oldest first. One whose connection has gone counts no more.

import type { Answer } from './refusals.ts';

export class OpenPolls {
  readonly #waiting = new Set<(answer: Answer) => void>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Opens a poll; the promise stays pending for ever when the connection goes first. */
  open(connection: AbortSignal): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.add(resolve);
    connection.addEventListener('abort', () => this.#waiting.delete(resolve), { once: true });
    return promise;
  }

  /** Answers the oldest poll; returns false when none is open. */
  answer(answer: Answer): boolean {
    for (const resolve of this.#waiting) {
      this.#waiting.delete(resolve);
      resolve(answer);
      return true;
    }
    return false;
  }
}
