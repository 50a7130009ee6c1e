// An invocation answered by streaming: calls the handler with its response stream and sees the POST to its end. The stream
// itself is response-stream.ts, the socket is the transport's.

import type { ChunkedRequest } from './api/connection.ts';
import type { Receipt } from './api/runtime-api.ts';
import { HTTP_INTEGRATION_CONTENT_TYPE, headers } from './api/wire.ts';
import { errorText, runtimeError } from './errors.ts';
import type { WhenIdle } from './event-loop.ts';
import type { LambdaContext } from './handler/context.ts';
import type { HandlerFunction } from './handler/module-loading.ts';
import type { HandlerCompat } from './handler-compat.ts';
import { createResponseStream, type StreamedResponse, type StreamSink } from './response-stream.ts';
import { parseJson } from './untouched.ts';

export type StreamedAnswerOptions = {
  openPost(contentType: string): ChunkedRequest;
  readonly highWaterMarkBytes: number | undefined;
  readonly compat: HandlerCompat;
};

export type StreamedCall = {
  readonly handler: HandlerFunction;
  readonly event: unknown;
  readonly context: LambdaContext;
  readonly whenIdle: WhenIdle;
  describeUnfinished(): string;
  warn(text: string): void;
};

export class StreamedAnswer {
  readonly #response: StreamedResponse;
  #verdict: Pick<Receipt, 'status' | 'text'> | undefined;
  #prelude: Uint8Array | undefined;

  constructor({ openPost, highWaterMarkBytes, compat }: StreamedAnswerOptions) {
    this.#response = createResponseStream({
      openPost: (contentType) => this.#sinkOf(openPost(contentType), contentType),
      highWaterMarkBytes,
      compat,
    });
  }

  /** What the Runtime API said; undefined while it has not answered, or when the connection broke. */
  get verdict(): Pick<Receipt, 'status' | 'text'> | undefined {
    return this.#verdict;
  }

  get bodyBytes(): number {
    return this.#response.bodyBytes();
  }

  /**
   * Runs the handler. Resolves with the HTTP metadata of the response when the promise has settled, the stream has ended and
   * the platform has answered.
   * @throws what the handler threw, and the errors of a stream that was not finished
   */
  async call({ handler, event, context, whenIdle, describeUnfinished, warn }: StreamedCall): Promise<unknown> {
    const idle = Promise.withResolvers<never>();
    const watch = (): (() => void) =>
      whenIdle(() => idle.reject(runtimeError('NodeJsExit', { unfinished: describeUnfinished() })));
    const returned = handler(event, this.#response.responseStream, context) as PromiseLike<unknown> | undefined;
    if (typeof returned?.then !== 'function') throw runtimeError('StreamingHandlerNotAsync', {});
    const forget = watch();
    try {
      const result = await Promise.race([returned, idle.promise]);
      if (result !== undefined) warn(errorText('StreamingReturnIgnored', {}));
      await Promise.race([this.#response.answered, idle.promise]);
    } finally {
      forget();
    }
    return readPrelude(this.#prelude);
  }

  /** Ends the response with the error as its trailers. Never rejects. */
  fail(error: unknown): Promise<void> {
    return this.#response.fail(error);
  }

  #sinkOf(request: ChunkedRequest, contentType: string): StreamSink {
    const isIntegration = contentType === HTTP_INTEGRATION_CONTENT_TYPE;
    return {
      write: (chunk, done) => {
        if (isIntegration) this.#prelude ??= chunk;
        request.write(chunk, done);
      },
      end: (trailers, done) => {
        const lines: Record<string, string> =
          trailers === undefined
            ? {}
            : { [headers.errorType]: trailers.errorType, [headers.errorBody]: trailers.errorBodyBase64 };
        request.end(lines).then(
          ({ status, body }) => {
            this.#verdict = { status, text: status >= 300 ? body.toString('utf8', 0, 1024) : '' };
            done();
          },
          (error: Error) => done(error),
        );
      },
    };
  }
}

/** Status and headers that the handler put in front of its body; undefined for a response without them. */
function readPrelude(chunk: Uint8Array | undefined): unknown {
  const end = chunk?.indexOf(0) ?? -1;
  if (chunk === undefined || end < 0) return undefined;
  try {
    return parseJson(Buffer.from(chunk.subarray(0, end)).toString('utf8'));
  } catch {
    return undefined;
  }
}
