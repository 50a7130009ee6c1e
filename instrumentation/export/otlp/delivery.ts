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
    const waitMs = this.#notBeforeEpochMs - wallNow();
    // A wall clock that was set back must not stop exports for hours.
    if (waitMs > 0 && waitMs < LONGEST_WISH_MS) {
      return { kind: 'later', error: `the receiver asked to be left alone for another ${Math.ceil(waitMs / 1000)} s` };
    }
    const verdict = await this.#tryUntil(message, untilEpochMs);
    this.#isHealthy = verdict.kind !== 'again' && verdict.kind !== 'later';
    return verdict;
  }

  async #tryUntil(message: Uint8Array, untilEpochMs: number): Promise<Verdict> {
    const retries = this.#isHealthy ? MAX_RETRIES : 0;
    let pauseMs = FIRST_PAUSE_MS;
    let resent: Pick<Verdict, 'wasResent'> = {};
    for (let retry = 0; ; retry++) {
      const verdict = { ...(await this.#try(message, untilEpochMs - wallNow())), ...resent };
      // Once more is what the specification asks for when a connection breaks; twice more is what a receiver may have three times.
      if (verdict.kind !== 'again' || (verdict.mayHaveArrived && verdict.wasResent)) return verdict;
      if (verdict.wasResent || verdict.mayHaveArrived) resent = { wasResent: true };
      if (verdict.afterMs !== undefined) {
        this.#notBeforeEpochMs = wallNow() + Math.min(verdict.afterMs, LONGEST_WISH_MS);
      }
      const nextPauseMs = verdict.afterMs ?? pauseMs * (1 + JITTER * (2 * random() - 1));
      if (retry >= retries || wallNow() + nextPauseMs + SHORTEST_TRY_MS > untilEpochMs) return verdict;
      await pause(nextPauseMs);
      pauseMs *= 2;
    }
  }

  async #try(message: Uint8Array, timeLeftMs: number): Promise<Verdict> {
    if (timeLeftMs <= 0) return { kind: 'later', error: 'there was no time left' };
    try {
      return await this.#transport.post(message, timeLeftMs);
    } catch (error) {
      return { kind: 'later', error: `the request could not be made: ${(error as Error).message}` };
    }
  }
}

/** A receiver that wants to be left alone longer is asked again all the same. */
const LONGEST_WISH_MS = 15 * 60_000;
