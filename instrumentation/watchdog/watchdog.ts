// The main thread's side of the watchdog: starts its thread when an invocation takes long, tells it which invocation is in flight,
// and asks it who is to give a notice. Nothing is paid before the thread runs.

import { FlightBoard, type FlightTimes, type Notice } from './flight-board.ts';

export type WatchdogOptions = {
  /** Starts the thread, which must not hold the process; `failed` is called when it has ended. May throw. */
  openThread(board: SharedArrayBuffer, failed: () => void): void;
  /** From the first idle moment on, not only when an invocation takes long. */
  readonly isEager: boolean;
  report(message: string): void;
};

export class Watchdog {
  readonly #options: WatchdogOptions;
  #board: FlightBoard | undefined;
  #isOff = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#board !== undefined;
  }

  /** Nothing is under way: time to do what must not cost an invocation. */
  rest(): void {
    this.#board?.end();
    if (this.#options.isEager) this.#open();
  }

  /** Starts the thread if it does not run; `times` of the invocation in flight. */
  start(times: FlightTimes): void {
    if (this.#board !== undefined) return;
    this.#open();
    this.begin(times);
  }

  begin(times: FlightTimes): void {
    this.#board?.begin(times);
  }

  /** Returns whether the main thread is to give the notice: the watchdog has not. */
  claim(notice: Notice): boolean {
    const board = this.#board;
    return board === undefined || board.flight === 0 || board.claim(notice, board.flight);
  }

  takeMarkers(): { readonly sent: number; readonly lost: number } {
    return this.#board?.takeMarkers() ?? { sent: 0, lost: 0 };
  }

  #open(): void {
    if (this.#isOff || this.#board !== undefined) return;
    try {
      const board = new FlightBoard();
      this.#options.openThread(board.buffer, () => this.#fail('its thread has ended'));
      this.#board = board;
    } catch (error) {
      this.#fail(`${error}`);
    }
  }

  #fail(reason: string): void {
    this.#isOff = true;
    this.#board = undefined;
    this.#options.report(`the watchdog is off, a blocked event loop will not be told of: ${reason}`);
  }
}
