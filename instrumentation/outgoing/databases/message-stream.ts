// Cuts a stream of PostgreSQL's messages (one letter, a length, a payload) out of whatever chunks it comes in. Payloads that nobody
// wants are stepped over, never kept. Source: PostgreSQL manual, "Frontend/Backend Protocol, Message Formats".

const HEADER_BYTES = 5;
/** Longer payloads are given up to here. */
const MAX_PAYLOAD_BYTES = 64 * 1024;

export class MessageStream {
  readonly #wanted: string;
  readonly #take: (type: string, payload: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #type = '';
  #isWanted = false;
  #left = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;

  /** `wanted`: the letters of the messages whose payload `take` gets; of the others it gets an empty one. */
  constructor(wanted: string, take: (type: string, payload: Buffer) => void) {
    this.#wanted = wanted;
    this.#take = take;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerBytes < HEADER_BYTES) {
        const copied = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
        this.#headerBytes += copied;
        at += copied;
        if (this.#headerBytes < HEADER_BYTES) return;
        this.#begin();
      } else {
        const part = chunk.subarray(at, at + this.#left);
        if (this.#isWanted && this.#keptBytes < MAX_PAYLOAD_BYTES) {
          // The chunk may be reused by whoever reads it.
          const copy = Buffer.from(part.subarray(0, MAX_PAYLOAD_BYTES - this.#keptBytes));
          this.#kept.push(copy);
          this.#keptBytes += copy.length;
        }
        this.#left -= part.length;
        at += part.length;
      }
      if (this.#left === 0) this.#finish();
    }
  }

  #begin(): void {
    this.#type = String.fromCharCode(this.#header[0]!);
    // The length counts itself.
    this.#left = Math.max(0, this.#header.readUInt32BE(1) - 4);
    this.#isWanted = this.#wanted.includes(this.#type);
  }

  #finish(): void {
    const payload = this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#headerBytes = 0;
    this.#take(this.#type, payload);
  }
}

/** Texts that each end with a zero byte, from `at` on. */
export function readText(payload: Buffer, at: number): { readonly text: string; readonly end: number } {
  const zero = payload.indexOf(0, at);
  const end = zero === -1 ? payload.length : zero;
  return { text: payload.toString('utf8', at, end), end: end + 1 };
}
