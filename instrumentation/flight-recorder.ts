// A small file that says what this process is doing, so that the next process of the same environment can tell how this one
// died: SIGKILL and the memory limit leave no other trace. It is written with `pwrite` into the page cache, which outlives the
// process. What is made of it afterwards, and all that is not needed while a handler runs, is in spool/.

import { openSync, writeSync } from 'node:fs';
import type { FlightFacts } from './flight-facts.ts';
import type { SpanCounts } from './span-counts.ts';

// Captured before user code can mock it.
const wallNow = Date.now;

/**
 * `flying`: an invocation runs, and its own spans exist in this process only. `landed`: none does. `ended`: the process said what
 * there was to say.
 */
export type FlightState = 'flying' | 'landed' | 'ended';

export const FLIGHT_MAGIC = 'spanstrap-flight-1';
/** The first line has a fixed length: it alone is written when only numbers have changed. */
const FIRST_LINE_CHARS = 95;
/** Neither is the file there nor will it be. */
export const UNUSABLE = -1;

export class FlightRecorder {
  readonly path: string;
  /** undefined: nothing was written yet. */
  fd: number | undefined;
  state: FlightState = 'landed';
  readonly #counts: SpanCounts;
  readonly #recover: () => void;

  /** `recover` is called when the file cannot be made; it may be a predecessor's. */
  constructor(path: string, counts: SpanCounts, recover: () => void) {
    this.path = path;
    this.#counts = counts;
    this.#recover = recover;
  }

  /** An invocation begins. `undefined`: several run at once, and none can be named as the one that was killed. */
  begin(facts: FlightFacts | undefined): void {
    this.state = 'flying';
    try {
      this.fd ??= openExclusively(this.path);
    } catch {
      this.fd = UNUSABLE;
      this.#recover();
    }
    this.write(`${JSON.stringify(facts ?? [])}\n`);
  }

  /** Spans were begun. At once: a process that runs out of memory gets to nothing later. 1.7 µs, most of it the kernel's. */
  progress(): void {
    this.write();
  }

  /** Writes down how many spans there are now; `rest` follows. */
  write(rest = ''): void {
    const { fd = UNUSABLE } = this;
    if (fd === UNUSABLE) return;
    const { xray, otlp } = this.#counts;
    const line =
      `${FLIGHT_MAGIC} ${this.state} ${wallNow()} ` +
      `xray=${xray.begun - xray.settled},${xray.inFlight} otlp=${otlp.begun - otlp.settled},${otlp.inFlight}`;
    try {
      writeSync(fd, `${line.padEnd(FIRST_LINE_CHARS)}\n${rest}`, 0);
    } catch {
      this.fd = UNUSABLE;
    }
  }
}

/** Not a file that somebody else has put there, nor what a link of theirs points to. */
export const openExclusively = (path: string): number => openSync(path, 'wx', 0o600);
