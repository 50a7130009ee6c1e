// The memory that the main thread and the watchdog share: which invocation is in flight, when its time is nearly up, and who has told
// of it already. Writing to it costs the main thread less than a microsecond.

const FLIGHT = 0;
/** Who claims a notice for a flight gives it; the other one does not. */
const CLAIMS = { late: 1, last: 2 } as const;
/** Markers that the watchdog has sent, or could not send. */
const SENT = 3;
const LOST = 4;
const WORDS = 6;
const TIMES_AT = WORDS * 4;

export type Notice = keyof typeof CLAIMS;

export type FlightTimes = {
  readonly lateEpochMs: number;
  readonly lastEpochMs: number;
  readonly deadlineEpochMs: number;
};

export class FlightBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  #flights = 0;

  constructor(buffer = new SharedArrayBuffer(TIMES_AT + 3 * 8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#times = new Float64Array(buffer, TIMES_AT, 3);
  }

  begin({ lateEpochMs, lastEpochMs, deadlineEpochMs }: FlightTimes): void {
    this.end();
    this.#times.set([lateEpochMs, lastEpochMs, deadlineEpochMs]);
    this.#flights = (this.#flights % 0x7fff_ffff) + 1;
    Atomics.store(this.#words, FLIGHT, this.#flights);
  }

  end(): void {
    Atomics.store(this.#words, FLIGHT, 0);
  }

  /** 0: there is none. */
  get flight(): number {
    return Atomics.load(this.#words, FLIGHT);
  }

  /** undefined: there is no flight, or the times were being changed. */
  read(): ({ readonly flight: number } & FlightTimes) | undefined {
    const { flight } = this;
    const [lateEpochMs, lastEpochMs, deadlineEpochMs] = this.#times as unknown as [number, number, number];
    if (flight === 0 || flight !== this.flight) return undefined;
    return { flight, lateEpochMs, lastEpochMs, deadlineEpochMs };
  }

  /** Returns whether this is the first who claims it. */
  claim(notice: Notice, flight: number): boolean {
    return Atomics.exchange(this.#words, CLAIMS[notice], flight) !== flight;
  }

  isClaimed(notice: Notice, flight: number): boolean {
    return Atomics.load(this.#words, CLAIMS[notice]) === flight;
  }

  markerSent(isSent: boolean): void {
    Atomics.add(this.#words, isSent ? SENT : LOST, 1);
  }

  /** Markers since the last call. */
  takeMarkers(): { readonly sent: number; readonly lost: number } {
    return { sent: Atomics.exchange(this.#words, SENT, 0), lost: Atomics.exchange(this.#words, LOST, 0) };
  }
}
