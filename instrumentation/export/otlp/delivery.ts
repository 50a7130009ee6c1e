// When an export is tried again (OpenTelemetry protocol specification, "Failures"): for the reasons the specification names, as
// long as there is time, and not before the receiver said so. How a request travels is the transport's.

import { random, setTimeout, wallNow } from '../../../runtime/untouched.ts';

/** What became of one request. */
export type Verdict = {
  /** It was made again after an attempt of which nobody knows the outcome. */
  readonly wasResent?: true;
  /** It had left completely when it failed: the receiver may have it, and another try may make it two. */
  readonly mayHaveArrived?: true;
} & (
  | {
      readonly kind: 'taken';
      /** What the receiver says it refused of the request, and why. */
      readonly rejectedSpans: number;
      readonly warning: string | undefined;
    }
  /** Another try may help; `afterMs` is the receiver's own wish. */
  | { readonly kind: 'again'; readonly error: string; readonly afterMs?: number }
  /** Another try may help, but not soon: there was no answer, or the way to the receiver is not there. */
  | { readonly kind: 'later'; readonly error: string }
  | { readonly kind: 'too large'; readonly error: string }
  | { readonly kind: 'refused'; readonly error: string }
);

export interface Transport {
  /** Sends one message and settles within `timeoutMs`. Rejects when the request cannot even be made. */
  post(message: Uint8Array, timeoutMs: number): Promise<Verdict>;
}

/** The OpenTelemetry Lambda extension in Rust has the same three tries from 50 ms on. */
const MAX_RETRIES = 3;
const FIRST_PAUSE_MS = 50;
/** Pauses are this share longer or shorter, so that environments that failed together do not come back together. */
const JITTER = 0.3;
/** With less time than this an answer is not to be expected. */
const SHORTEST_TRY_MS = 10;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Delivery {
  readonly #transport: Transport;
  /** False once a request failed for good: a receiver that is down is asked once per flush, not four times. */
  #isHealthy = true;
  /** Until then the receiver wants to be left alone. */
  #notBeforeEpochMs = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Delivers one message, with as many tries as make sense until then. */
  async deliver(message: Uint8Array, untilEpochMs: number): Promise<Verdict> {
    let nowEpochMs = wallNow();
    const waitMs = this.#notBeforeEpochMs - nowEpochMs;
    // A wall clock that was set back must not stop exports for hours.
    if (waitMs > 0 && waitMs < LONGEST_WISH_MS) {
      return { kind: 'later', error: `the receiver asked to be left alone for another ${Math.ceil(waitMs / 1000)} s` };
    }
    const retries = this.#isHealthy ? MAX_RETRIES : 0;
    let pauseMs = FIRST_PAUSE_MS;
    let wasResent = false;
    // One function for all of it: each further one that waits costs a young process as much as the retries' bookkeeping.
    for (let retry = 0; ; retry++) {
      let verdict: Verdict;
      try {
        verdict =
          nowEpochMs < untilEpochMs ? await this.#transport.post(message, untilEpochMs - nowEpochMs) : NO_TIME_LEFT;
      } catch (error) {
        verdict = { kind: 'later', error: `the request could not be made: ${(error as Error).message}` };
      }
      if (wasResent) verdict = { ...verdict, wasResent };
      this.#isHealthy = verdict.kind !== 'again' && verdict.kind !== 'later';
      // Once more is what the specification asks for when a connection breaks; twice more is what a receiver may have three times.
      if (verdict.kind !== 'again' || (verdict.mayHaveArrived && verdict.wasResent)) return verdict;
      if (verdict.wasResent || verdict.mayHaveArrived) wasResent = true;
      nowEpochMs = wallNow();
      if (verdict.afterMs !== undefined) {
        this.#notBeforeEpochMs = nowEpochMs + Math.min(verdict.afterMs, LONGEST_WISH_MS);
      }
      const nextPauseMs = verdict.afterMs ?? pauseMs * (1 + JITTER * (2 * random() - 1));
      if (retry >= retries || nowEpochMs + nextPauseMs + SHORTEST_TRY_MS > untilEpochMs) return verdict;
      await pause(nextPauseMs);
      nowEpochMs = wallNow();
      pauseMs *= 2;
    }
  }
}

const NO_TIME_LEFT: Verdict = { kind: 'later', error: 'there was no time left' };

/** A receiver that wants to be left alone longer is asked again all the same. */
const LONGEST_WISH_MS = 15 * 60_000;
