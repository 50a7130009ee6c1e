// A small file that says what this process is doing, so that the next process of the same environment can tell how this one
// died: SIGKILL and the memory limit leave no other trace. It is written with `pwrite` into the page cache, which outlives the
// process. What is made of it afterwards, and all that is not needed while a handler runs, is in spool/.

import { openSync, writeSync } from 'node:fs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { stringifyJson, wallNow } from '../runtime/untouched.ts';
import type { FlightFacts } from './flight-facts.ts';
import type { SpanCounts } from './span-counts.ts';

/**
 * `flying`: an invocation runs, and its own spans exist in this process only. `landed`: none does. `ended`: the process said what
 * there was to say.
 */
export type FlightState = 'flying' | 'landed' | 'ended';

export const FLIGHT_MAGIC = 'spanstrap-flight-2';
/** The first line has a fixed length: it alone is written when only numbers have changed. */
const FIRST_LINE_BYTES = 96;
/** Open spans stand here; before them, and behind the first line, what is known of the invocation. */
export const SPANS_AT = 1536;
export const SPANS_BYTES = 6144;
/** So many of them, the youngest, with so much of their names: they fit before what follows. */
const LISTED_SPANS = 20;
const LISTED_NAME_CHARS = 60;
/** The first few of an invocation are there at once, more with the next beat. */
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
  /** The beginning of the file as it is, or is about to be: what has changed leaves in one write. */
  readonly #head = Buffer.alloc(SPANS_AT + SPANS_BYTES);
  /** So much of the head has changed since it was written. */
  #changedBytes = 0;
  #requestId: string | undefined;
  #flight: Flight | undefined;
  #begun = 0;
  #listed = '';
  #isListStale = false;

  /** `recover` is called with what has begun when the file cannot be made; it may be a predecessor's. */
  constructor(path: string, counts: SpanCounts, recover: (facts: FlightFacts | undefined) => void) {
    this.path = path;
    this.#counts = counts;
    this.#recover = recover;
  }

  /**
   * An invocation begins. `undefined` for the facts: several run at once, and none can be named as the one that was killed. For the
   * flight: it has no spans yet.
   */
  begin(facts: FlightFacts | undefined, flight?: Flight): void {
    this.state = 'flying';
    this.#flight = flight;
    this.#begun = 0;
    try {
      this.fd ??= openExclusively(this.path);
    } catch {
      this.fd = UNUSABLE;
      this.#recover(facts);
    }
    this.#note(facts);
    this.#write();
  }

  /** More is known of it. That leaves with its first outgoing call, which most often is why somebody asked; at once if there is none. */
  know(facts: FlightFacts, flight: Flight): void {
    this.#flight = flight;
    this.#note(facts);
    void this.#writeSoon();
  }

  async #writeSoon(): Promise<void> {
    await undefined;
    if (this.#changedBytes > 0) this.#write();
  }

  /** Nobody wants what had begun recorded. */
  landUnrecorded(): void {
    this.state = 'landed';
    this.write();
  }

  /** Spans were begun: their number is written at once, since nothing else tells of them when the process is killed now. */
  progress(): void {
    if (this.#begun++ < FIRST_SPANS) this.#list();
    else this.#isListStale = true;
    this.#write();
  }

  /** To be called now and then while an invocation runs: writes down which spans are open, if there are new ones. */
  beat(): void {
    if (!this.#isListStale) return;
    this.#list();
    if (this.#changedBytes > 0) this.#write();
  }

  /** To a new file, in the place of one that was removed: all that is known goes into it. */
  moveTo(fd: number): void {
    this.fd = fd;
    this.#changedBytes = this.#head.length;
    this.#write();
  }

  /** Writes down how many spans there are now, and which are open. */
  write(): void {
    if (this.#listed !== '') this.#list();
    this.#write();
  }

  #countLine(): string {
    const { xray, otlp } = this.#counts;
    const line =
      `${FLIGHT_MAGIC} ${this.state} ${wallNow()} ` +
      `xray=${xray.begun - xray.settled},${xray.inFlight} otlp=${otlp.begun - otlp.settled},${otlp.inFlight}`;
    return `${line.padEnd(FIRST_LINE_BYTES - 1)}\n`;
  }

  #note(facts: FlightFacts | undefined): void {
    this.#requestId = facts?.[0];
    this.#put(FIRST_LINE_BYTES, `${stringifyJson(facts ?? [])}\n`, SPANS_AT);
  }

  #put(position: number, text: string, end: number): void {
    const bytes = this.#head.write(text, position, end - position, 'utf8');
    this.#changedBytes = Math.max(this.#changedBytes, position + bytes);
  }

  /** The numbers, and with them what else has changed. */
  #write(): void {
    const { fd = UNUSABLE } = this;
    if (fd === UNUSABLE) return;
    this.#head.write(this.#countLine(), 0, FIRST_LINE_BYTES, 'latin1');
    const bytes = Math.max(FIRST_LINE_BYTES, this.#changedBytes);
    this.#changedBytes = 0;
    try {
      writeSync(fd, this.#head, 0, bytes, 0);
    } catch {
      this.fd = UNUSABLE;
    }
  }

  #list(): void {
    this.#isListStale = false;
    if (this.#requestId === undefined || this.#flight === undefined) return;
    const { phases, open } = this.#flight;
    const spans = phases.all.slice(2);
    for (const span of open) spans.push(span);
    const items: unknown[] = [this.#requestId];
    try {
      for (let at = Math.max(0, spans.length - LISTED_SPANS); at < spans.length; at++) items.push(listed(spans[at]!));
      const text = stringifyJson(items);
      if (text !== this.#listed) this.#put(SPANS_AT, `${text}\n`, SPANS_AT + SPANS_BYTES);
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
