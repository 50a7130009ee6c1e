// The body of one request to the API, read to its end: pieces with their time of arrival, trailers, and whether it was cut short.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A piece of a body, as it came in. `at` is on the performance clock, in milliseconds. */
export type Chunk = { readonly at: number; readonly bytes: Buffer };

export type ReceivedBody = {
  readonly chunks: readonly Chunk[];
  /** Everything that came, also what was over the limit and is in no chunk. */
  readonly totalBytes: number;
  /** The connection or the framing ended before the body did. */
  readonly isTruncated: boolean;
  readonly trailers: Readonly<Record<string, string>>;
};

export type ReadLimits = {
  /** Bytes that are kept; what follows is counted and thrown away. */
  readonly keepBytes: number;
  readonly onChunk?: ((chunk: Chunk) => void) | undefined;
};

/** One request to the API, before its body was read. */
export type ApiCall = {
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the client's connection is gone. */
  readonly signal: AbortSignal;
  readBody(limits: ReadLimits): Promise<ReceivedBody>;
};

export function readBody(request: IncomingMessage, { keepBytes, onChunk }: ReadLimits): Promise<ReceivedBody> {
  return new Promise((resolve) => {
    const chunks: Chunk[] = [];
    let totalBytes = 0;
    request.on('data', (bytes: Buffer) => {
      totalBytes += bytes.length;
      if (totalBytes > keepBytes) return;
      const chunk = { at: performance.now(), bytes };
      chunks.push(chunk);
      onChunk?.(chunk);
    });
    const finish = (isTruncated: boolean): void =>
      resolve({ chunks, totalBytes, isTruncated, trailers: request.trailers as Record<string, string> });
    request.once('end', () => finish(false));
    request.once('error', () => finish(true));
    request.once('close', () => finish(!request.complete));
  });
}

export const joinChunks = (body: ReceivedBody): Buffer => Buffer.concat(body.chunks.map((chunk) => chunk.bytes));
