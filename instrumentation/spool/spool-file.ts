// The file that a process leaves for the next one of its environment: a head that is overwritten in place (flight-recorder.ts writes
// it), and records after it. And the files that earlier processes have left.

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {
  FLIGHT_MAGIC,
  type FlightRecorder,
  openExclusively,
  SPANS_AT,
  SPANS_BYTES,
  UNUSABLE,
} from '../flight-recorder.ts';

/** Behind the open spans: losses. */
export const LOSSES_AT = SPANS_AT + SPANS_BYTES;
/** What was found out about a blocked event loop, by another thread. */
export const BLOCK_AT = LOSSES_AT + 512;
/** Records follow. */
export const HEAD_BYTES = BLOCK_AT + 6144;
/** An environment can die again before it has answered once; so many files are kept apart. */
const MOST_DEAD = 9;

export class SpoolFile {
  readonly #flight: FlightRecorder;
  #recordBytes = 0;

  constructor(flight: FlightRecorder) {
    this.#flight = flight;
  }

  /** Whether there is a file to write to. */
  get isUsable(): boolean {
    const { fd = UNUSABLE } = this.#flight;
    return fd !== UNUSABLE;
  }

  /** Makes the file anew when user code has emptied its folder. Returns whether it did. */
  restore(): boolean {
    const flight = this.#flight;
    const { fd = UNUSABLE } = flight;
    if (fd === UNUSABLE) return false;
    try {
      if (!isGone(fd)) return false;
      flight.moveTo(openExclusively(flight.path));
      closeSync(fd);
      this.#recordBytes = 0;
      return true;
    } catch {
      // The folder is gone as well.
      return false;
    }
  }

  /** Appends records, each one line. Returns whether they are on disk, where somebody finds them: all of them or none. */
  append(lines: string): boolean {
    const { fd = UNUSABLE } = this.#flight;
    if (fd === UNUSABLE) return false;
    try {
      if (isGone(fd)) return false;
      const bytes = Buffer.from(lines, 'utf8');
      let written = 0;
      while (written < bytes.length) {
        const position = HEAD_BYTES + this.#recordBytes + written;
        written += writeSync(fd, bytes, written, bytes.length - written, position);
      }
      this.#recordBytes += bytes.length;
      return true;
    } catch {
      this.#truncate();
      return false;
    }
  }

  /** Takes all records back: what they told of is sent otherwise. */
  discard(): void {
    if (this.#recordBytes === 0) return;
    this.#recordBytes = 0;
    this.#truncate();
  }

  #truncate(): void {
    try {
      ftruncateSync(this.#flight.fd!, HEAD_BYTES + this.#recordBytes);
    } catch {
      // Then they are found, and sent a second time: there is nothing else to do.
    }
  }

  /** The losses so far, as JSON, for the next process to go on counting. */
  writeLosses(text: string): void {
    const { fd = UNUSABLE } = this.#flight;
    if (fd === UNUSABLE) return;
    try {
      writeSync(fd, `${text}\n`, LOSSES_AT);
    } catch {
      // They are on the spans as well.
    }
  }

  /** The process ends. `isNeeded`: the next one has something to read. */
  close(isNeeded: boolean): void {
    const flight = this.#flight;
    const { fd = UNUSABLE } = flight;
    if (fd === UNUSABLE) return;
    flight.state = 'ended';
    flight.write();
    try {
      if (!isNeeded) unlinkSync(flight.path);
    } catch {
      // Somebody cleaned up the folder.
    }
  }

  /** The place is taken: by a process of this environment that died. Returns what it was doing; undefined: there was none. */
  takeOver(): string | undefined {
    const flight = this.#flight;
    try {
      if (lstatSync(flight.path).uid !== process.getuid?.()) return undefined;
      const paths = deadPaths(flight.path);
      const deadPath = paths.find((path) => !existsSync(path)) ?? paths.at(-1)!;
      renameSync(flight.path, deadPath);
      flight.fd = openExclusively(flight.path);
      return stateIn(deadPath);
    } catch {
      // There is no file to be taken over, or none to be made.
      return undefined;
    }
  }
}

/** No folder has it any more. */
const isGone = (fd: number): boolean => fstatSync(fd).nlink === 0;

/** The second word of the file. */
function stateIn(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const bytes = Buffer.alloc(FLIGHT_MAGIC.length + 10);
    readSync(fd, bytes);
    return bytes.toString('latin1').split(' ')[1] ?? '';
  } finally {
    closeSync(fd);
  }
}

/** Where the files of dead processes wait to be read, the oldest first. */
export const deadPaths = (path: string): readonly string[] =>
  Array.from({ length: MOST_DEAD }, (_, index) => `${path}.dead${index + 1}`);
