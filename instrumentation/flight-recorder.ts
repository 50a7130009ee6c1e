// A small file that says what this process is doing, so that the next process of the same environment can tell how this one
// died: SIGKILL and the memory limit leave no other trace. It is written with `pwrite` into the page cache, which outlives the
// process. What is made of it afterwards, and all that is not needed while a handler runs, is in spool/.

import { openSync, writeSync } from 'node:fs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { now } from '../runtime/lifecycle.ts';
import { setTimeout, stringifyJson, wallNow } from '../runtime/untouched.ts';
import type { FlightFacts } from './flight-facts.ts';
import type { SpanCounts } from './span-counts.ts';

/**
 * `flying`: an invocation runs, and its own spans exist in this process only. `landed`: none does. `ended`: the process said what
 * there was to say.
 */
export type FlightState = 'flying' | 'landed' | 'ended';

export const FLIGHT_MAGIC = 'spanstrap-flight-1';
/** The first line has a fixed length: it alone is written when only numbers have changed. */
const FIRST_LINE_BYTES = 96;
/** Open spans stand here. */
export const SPANS_AT = 2048;
/** So many of them, the youngest, with so much of their names: they fit before what follows. */
const LISTED_SPANS = 20;
const LISTED_NAME_CHARS = 60;
/** The open spans on disk are at most this old while the event loop turns; the first few of an invocation are there at once. */
const LIST_MS = 20;
const FIRST_SPANS = 4;
/** Neither is the file there nor will it be. */
export const UNUSABLE = -1;

type Flight = {
  /** SERVER and Invocation are the first two; they are in the facts. */
  readonly phases: { readonly all: readonly ReadableSpan[] };
  readonly open: Iterable<ReadableSpan>;
};

export class FlightRecorder {
  readonly path: string;
  /** undefined: nothing was written yet. */
  fd: number | undefined;
  state: FlightState = 'landed';
  readonly #counts: SpanCounts;
  readonly #recover: (facts: FlightFacts | undefined) => void;
  readonly #line = Buffer.alloc(FIRST_LINE_BYTES);
  #requestId: string | undefined;
  #flight: Flight | undefined;
  #begun = 0;
  #listed = '';
  #listedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `recover` is called with what has begun when the file cannot be made; it may be a predecessor's. */
  constructor(path: string, counts: SpanCounts, recover: (facts: FlightFacts | undefined) => void) {
    this.path = path;
    this.#counts = counts;
    this.#recover = recover;
  }

  /**
   * An invocation begins, or more is known of it. `undefined` for the facts: several run at once, and none can be named as the one
   * that was killed. For the flight: it has no spans yet.
   */
  begin(facts: FlightFacts | undefined, flight?: Flight): void {
    this.state = 'flying';
    this.#requestId = facts?.[0];
    this.#flight = flight;
    this.#begun = 0;
    try {
      this.fd ??= openExclusively(this.path);
    } catch {
      this.fd = UNUSABLE;
      this.#recover(facts);
    }
    this.#writeAt(0, `${this.#countLine()}${stringifyJson(facts ?? [])}\n`);
  }

  /** Nobody wants what had begun recorded. */
  landUnrecorded(): void {
    this.state = 'landed';
    this.write();
  }

  /** Spans were begun: their number is written at once, since nothing else tells of them when the process is killed now. */
  progress(): void {
    this.#writeCounts();
    if (this.#begun++ < FIRST_SPANS || now() - this.#listedAt >= LIST_MS) this.#list();
    else this.#timer ??= setTimeout(() => this.#list(), LIST_MS).unref();
  }

  /** Writes down how many spans there are now, and which are open. */
  write(): void {
    this.#writeCounts();
    if (this.#listed !== '') this.#list();
  }

  #writeCounts(): void {
    // A string would be copied first: 2.2 against 3.1 us.
    this.#line.write(this.#countLine(), 'latin1');
    this.#writeAt(0, this.#line);
  }

  #countLine(): string {
    const { xray, otlp } = this.#counts;
    const line =
      `${FLIGHT_MAGIC} ${this.state} ${wallNow()} ` +
      `xray=${xray.begun - xray.settled},${xray.inFlight} otlp=${otlp.begun - otlp.settled},${otlp.inFlight}`;
    return `${line.padEnd(FIRST_LINE_BYTES - 1)}\n`;
  }

  #writeAt(position: number, content: string | Buffer): void {
    const { fd = UNUSABLE } = this;
    if (fd === UNUSABLE) return;
    try {
      if (typeof content === 'string') writeSync(fd, content, position);
      else writeSync(fd, content, 0, content.length, position);
    } catch {
      this.fd = UNUSABLE;
    }
  }

  #list(): void {
    this.#timer = undefined;
    this.#listedAt = now();
    if (this.#requestId === undefined || this.#flight === undefined) return;
    const { phases, open } = this.#flight;
    const spans = [...phases.all.slice(2), ...open].slice(-LISTED_SPANS);
    try {
      const text = stringifyJson([this.#requestId, ...spans.map(listed)]);
      if (text !== this.#listed) this.#writeAt(SPANS_AT, `${text}\n`);
      this.#listed = text;
    } catch {
      // A name is whatever user code takes for one.
    }
  }
}

function listed(span: ReadableSpan): unknown[] {
  const { name, kind, parentSpanContext, startTime } = span;
  const { traceId, spanId } = span.spanContext();
  return [`${name}`.slice(0, LISTED_NAME_CHARS), kind, traceId, spanId, parentSpanContext?.spanId, ...startTime];
}

/** Not a file that somebody else has put there, nor what a link of theirs points to. */
export const openExclusively = (path: string): number => openSync(path, 'wx', 0o600);
