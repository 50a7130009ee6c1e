// A POST that goes nowhere: what it was given, and a say in when and how it goes on.

import type { ErrorTrailers, StreamedResponse, StreamSink } from '../../runtime/response-stream.ts';
import { createResponseStream, type ResponseStreamOptions } from '../../runtime/response-stream.ts';

type Done = (error?: Error | null) => void;

export class FakeSink implements StreamSink {
  contentType = '';
  readonly chunks: Buffer[] = [];
  trailers: ErrorTrailers | undefined;
  isEnded = false;
  /** Set to hold the next calls back until `release`. */
  isSlow = false;
  /** Set to break the connection at the next call. */
  broken: Error | undefined;
  readonly #held: (() => void)[] = [];
  #isWriting = false;

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  write(chunk: Uint8Array, done: Done): void {
    if (this.isEnded || this.#isWriting || chunk.length === 0) throw new Error('the sink’s contract is broken');
    this.#isWriting = true;
    this.chunks.push(Buffer.from(chunk));
    this.#finish(() => {
      this.#isWriting = false;
      done(this.broken);
    });
  }

  end(trailers: ErrorTrailers | undefined, done: Done): void {
    if (this.isEnded) throw new Error('the sink’s contract is broken: a second end');
    this.isEnded = true;
    this.trailers = trailers;
    this.#finish(() => done(this.broken));
  }

  /** Lets go of what is held. */
  release(staysSlow = false): void {
    this.isSlow = staysSlow;
    for (const finish of this.#held.splice(0)) finish();
  }

  #finish(finish: () => void): void {
    if (this.isSlow) this.#held.push(finish);
    else setImmediate(finish);
  }
}

export type OpenedStream = StreamedResponse & {
  readonly sink: FakeSink;
  /** Content types the POST was opened with: none or one. */
  readonly opened: string[];
};

export function openStream(options: Partial<ResponseStreamOptions> = {}): OpenedStream {
  const sink = new FakeSink();
  const opened: string[] = [];
  const openPost = (contentType: string): StreamSink => {
    opened.push(contentType);
    sink.contentType = contentType;
    return sink;
  };
  return { ...createResponseStream({ openPost, ...options }), sink, opened };
}
