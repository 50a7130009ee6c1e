// A named pipe that somebody else made and reads: another extension of the function. Without a reader nothing is written, because
// opening it would wait for one.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { wallNow } from '../../../runtime/untouched.ts';

const PIPE_POLL_MS = 1;
/** A reader that takes nothing this long is not waited for: the event loop stands still meanwhile. */
const LONGEST_WAIT_MS = 100;

export class NamedPipe {
  readonly #path: string;
  /** The last line was written in part: the next one must not continue it. */
  #isTorn = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes a line and its end. Returns why it could not be written whole; undefined: it was. */
  write(line: string): string | undefined {
    let fd: number;
    try {
      fd = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENXIO' ? `nobody reads ${this.#path}` : `${this.#path} cannot be opened (${code})`;
    }
    const bytes = Buffer.from(`${this.#isTorn ? '\n' : ''}${line}\n`);
    let written = 0;
    try {
      const untilEpochMs = wallNow() + LONGEST_WAIT_MS;
      while (written < bytes.length) written += writeSome(fd, bytes, written, untilEpochMs);
      this.#isTorn = false;
      return undefined;
    } catch (error) {
      this.#isTorn ||= written > 0;
      return `${this.#path} took ${written} of ${bytes.length} bytes (${(error as NodeJS.ErrnoException).code})`;
    } finally {
      closeSync(fd);
    }
  }
}

/** What the pipe has room for, 0 after waiting for room. */
function writeSome(fd: number, bytes: Buffer, from: number, untilEpochMs: number): number {
  try {
    return writeSync(fd, bytes, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || wallNow() >= untilEpochMs) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_POLL_MS);
    return 0;
  }
}
