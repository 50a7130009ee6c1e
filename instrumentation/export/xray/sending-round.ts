// One try of some documents: what becomes of each on its way to the daemon, and how long that is waited for. It does not try again.

import { clearTimeout, setTimeout, wallNow } from '../../../runtime/untouched.ts';
import type { DaemonSocket } from './daemon-socket.ts';
import type { XrayDocument } from './split.ts';
import { WAVE_PAUSE_MS, waveEnd } from './waves.ts';

export type FailedDocument = { readonly document: XrayDocument; readonly failure: string };

/** The failure of a document of which nothing was heard in time. */
export const TIMED_OUT = 'the socket did not take them in time';

/** A datagram takes microseconds; one that takes longer than this is not waited for. */
const SEND_TIMEOUT_MS = 50;

/** Before every document; on the wire the two are one datagram. */
const HEADER = '{"format":"json","version":1}\n';

export function datagramOf({ text }: XrayDocument): Buffer {
  const datagram = HEADER + text;
  // Not from Node's pool, of which every slab that is still in use at a collection stays until the next full one.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(datagram));
  bytes.write(datagram);
  return bytes;
}

export class SendingRound {
  readonly #socket: DaemonSocket;
  readonly #documents: readonly XrayDocument[];
  /** Why it has not left, by a document's position; undefined: the kernel has it. */
  readonly #failures: (string | undefined)[] = [];
  #sent = 0;
  #pending = 0;
  #isLate = false;
  #allTold: (() => void) | undefined;

  constructor(socket: DaemonSocket, documents: readonly XrayDocument[]) {
    this.#socket = socket;
    this.#documents = documents;
    for (let index = 0; index < documents.length; index += 1) this.#failures.push(TIMED_OUT);
  }

  /** Sends them in waves. Resolves when it is known of each what became of it, with whether nobody listens. */
  async send(deadlineEpochMs: number): Promise<boolean> {
    this.#sendWave();
    while (this.#sent < this.#documents.length) {
      await this.#told(deadlineEpochMs);
      if (this.#isLate) break;
      await new Promise((resolve) => setTimeout(resolve, WAVE_PAUSE_MS));
      this.#sendWave();
    }
    // Of what the kernel takes at once, which is nearly everything, is told before this is known: no timer for it.
    const isRefused = await this.#socket.wasRefused();
    if (isRefused || this.#pending === 0 || this.#isLate) return isRefused;
    await this.#told(deadlineEpochMs);
    return this.#socket.wasRefused();
  }

  /** What has not left, as far as it is known by now. */
  failed(): FailedDocument[] {
    const failed: FailedDocument[] = [];
    for (let index = 0; index < this.#documents.length; index += 1) {
      const failure = this.#failures[index];
      if (failure !== undefined) failed.push({ document: this.#documents[index]!, failure });
    }
    return failed;
  }

  #sendWave(): void {
    const end = waveEnd(this.#documents, this.#sent);
    this.#pending += end - this.#sent;
    for (; this.#sent < end; this.#sent += 1) this.#send(this.#sent);
  }

  #send(index: number): void {
    this.#socket.send(datagramOf(this.#documents[index]!), (failure) => {
      this.#failures[index] = failure;
      this.#pending -= 1;
      if (this.#pending === 0) this.#allTold?.();
    });
  }

  /** Waits for what is pending as long as there is time; what is not told of by then is late. */
  #told(deadlineEpochMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pending === 0) return resolve();
      const timeMs = Math.max(0, Math.min(deadlineEpochMs - wallNow(), SEND_TIMEOUT_MS));
      const timer = setTimeout(() => {
        this.#isLate = true;
        resolve();
      }, timeMs);
      // It does not hold the process.
      timer.unref();
      this.#allTold = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
