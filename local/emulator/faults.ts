// A platform that misbehaves, on order: wrong answers, closed sockets, answers that come late or in small pieces.

import type { Socket } from 'node:net';
import type { Answer } from './refusals.ts';

export type ApiName =
  | 'next'
  | 'response'
  | 'error'
  | 'init-error'
  | 'restore-next'
  | 'restore-error'
  | 'register'
  | 'extension-next'
  | 'extension-init-error'
  | 'extension-exit-error'
  | 'telemetry'
  | 'logs'
  | 'ping'
  | 'unknown';

export type Fault = {
  readonly api: ApiName;
  /** Calls of this API that pass untouched before the fault begins; 0 when not given. */
  readonly after?: number;
  /** Calls that are hit; all that follow when not given. */
  readonly times?: number;
  /** First waits for this. Alone: a late, otherwise ordinary answer. */
  readonly hold?: Promise<unknown>;
  /** The platform's own state takes the call as usual; only the answer is replaced. Otherwise it never hears of the call. */
  readonly applied?: boolean;
  readonly answer?: Answer;
  /** Bytes in place of an HTTP answer; the connection is closed after them. */
  readonly raw?: string | Buffer;
  /** Closes the connection without an answer. */
  readonly close?: boolean;
};

export class Faults {
  readonly #faults: { readonly fault: Fault; seen: number }[];

  constructor(faults: readonly Fault[] = []) {
    this.#faults = faults.map((fault) => ({ fault, seen: 0 }));
  }

  add(fault: Fault): void {
    this.#faults.push({ fault, seen: 0 });
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** The fault that hits this call, if any. Counts the call. */
  strike(api: ApiName): Fault | undefined {
    let hit: Fault | undefined;
    for (const entry of this.#faults) {
      if (entry.fault.api !== api) continue;
      const { after = 0, times = Number.POSITIVE_INFINITY } = entry.fault;
      if (entry.seen >= after && entry.seen < after + times) hit ??= entry.fault;
      entry.seen++;
    }
    return hit;
  }
}

/** How an answer's bytes are cut: the sizes of the pieces in order, the last one repeated; never empty, each at least 1. */
export type SplitPlan = (bytes: Buffer) => readonly number[];

/**
 * Makes a socket send everything in the pieces of the plan, each in a segment and an event-loop turn of its own.
 * What the kernel joins again it may join: the order of the bytes stays.
 */
export function splitWrites(socket: Socket, plan: SplitPlan): void {
  const write = socket.write.bind(socket);
  let queue = Promise.resolve();
  const patched = (data: string | Uint8Array, encodingOrDone?: unknown, done?: unknown): boolean => {
    const encoding = typeof encodingOrDone === 'string' ? (encodingOrDone as BufferEncoding) : 'utf8';
    const callback = (typeof encodingOrDone === 'function' ? encodingOrDone : done) as
      | ((error?: Error) => void)
      | undefined;
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data);
    queue = queue.then(async () => {
      for (const piece of pieces(bytes, plan)) {
        await new Promise<void>((sent) => write(piece, () => setImmediate(sent)));
      }
      callback?.();
    });
    return true;
  };
  socket.write = patched as Socket['write'];
}

function* pieces(bytes: Buffer, plan: SplitPlan): Generator<Buffer> {
  const sizes = plan(bytes);
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = Math.max(1, sizes[Math.min(index, sizes.length - 1)] ?? bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
