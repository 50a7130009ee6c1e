// A streamed response between user code and the Runtime API: what is written to `responseStream` becomes the body of one
// POST, with backpressure, and a failure becomes its trailers. How the POST travels is the sink's business.
// Source: Lambda Developer Guide, "Response streaming for Lambda functions"; behaviour observed from aws-lambda-ric.

import { Writable } from 'node:stream';
import { errorBody } from './error-body.ts';
import { runtimeError } from './errors.ts';
import type { HandlerCompat } from './handler-compat.ts';
import type { PrefixableStream } from './http-response-stream.ts';
import { createFacade, type ResponseStream } from './response-stream-facade.ts';
import { textOf } from './thrown-value.ts';
import { nextTick } from './untouched.ts';

/**
 * One chunked POST. No `write` comes before the last one's `done`. `end` comes at most once and last; while a `write` is
 * pending only if user code destroyed the stream.
 */
export interface StreamSink {
  /** `chunk` is never empty. `done`: more may be sent, or the connection broke. */
  write(chunk: Uint8Array, done: (error?: Error | null) => void): void;
  /** `done`: the platform answered, or the connection broke. */
  end(trailers: ErrorTrailers | undefined, done: (error?: Error | null) => void): void;
}

export type ErrorTrailers = {
  /** ASCII, for `Lambda-Runtime-Function-Error-Type`. */
  readonly errorType: string;
  /** For `Lambda-Runtime-Function-Error-Body`. */
  readonly errorBodyBase64: string;
};

export type ResponseStreamOptions = {
  /** Starts the POST: called once, at the first write, at the end, or at the failure. */
  openPost(contentType: string): StreamSink;
  /** Default 65536. */
  readonly highWaterMarkBytes?: number | undefined;
  readonly compat?: HandlerCompat;
};

/** The runtime's side of a streamed response. */
export interface StreamedResponse {
  /** For the handler. */
  readonly responseStream: ResponseStream;
  /**
   * Resolves when the stream was ended and the platform has answered. Rejects when the connection broke, the stream was
   * destroyed, or something was written after its end. Pending as long as the stream is not ended.
   */
  readonly answered: Promise<void>;
  /**
   * Ends the response with error trailers, behind what was written. A stream that user code has ended keeps its success, unless it
   * has destroyed it before all was out.
   * Resolves when the POST is over, whatever became of it; never rejects.
   */
  fail(error: unknown): Promise<void>;
  /** Bytes of the body that the sink was given. */
  bodyBytes(): number;
}

export function createResponseStream(options: ResponseStreamOptions): StreamedResponse {
  const post = new Post(options.openPost);
  const stream = new ResponseWritable(post, options.highWaterMarkBytes ?? DEFAULT_HIGH_WATER_MARK);
  return {
    responseStream: createFacade(stream),
    answered: post.answered,
    fail(error) {
      const { body, errorType } = errorBody(error, { compat: options.compat });
      stream.fail({ errorType, errorBodyBase64: Buffer.from(body).toString('base64') });
      return post.over;
    },
    bodyBytes: () => post.bodyBytes,
  };
}

const DEFAULT_HIGH_WATER_MARK = 65_536;
const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

/** The POST, opened when it is first needed. */
class Post {
  contentType = DEFAULT_CONTENT_TYPE;
  bodyBytes = 0;
  readonly answered: Promise<void>;
  readonly over: Promise<void>;
  /** Makes `answered` reject; what is being sent goes on. */
  readonly complain: (error: unknown) => void;
  readonly #succeed: () => void;
  readonly #finish: () => void;
  readonly #open: (contentType: string) => StreamSink;
  #sink: StreamSink | undefined;
  #isEnded = false;

  constructor(open: (contentType: string) => StreamSink) {
    const answered = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    // The runtime looks at it when the handler has settled; until then a rejection is nobody's fault.
    answered.promise.catch(() => {});
    this.answered = answered.promise;
    this.over = over.promise;
    this.complain = answered.reject;
    this.#succeed = answered.resolve;
    this.#finish = over.resolve;
    this.#open = open;
  }

  write(chunk: Uint8Array, done: (error?: Error | null) => void): void {
    this.#attempt(done, (sink) => {
      if (chunk.length === 0) {
        done();
        return;
      }
      this.bodyBytes += chunk.length;
      sink.write(chunk, (error) => {
        if (error) this.#lose(error);
        done(error);
      });
    });
  }

  /** `sent`: the end is on its way, or cannot be. */
  end(trailers: ErrorTrailers | undefined, sent: (error?: Error | null) => void): void {
    if (this.#isEnded) {
      sent();
      return;
    }
    this.#attempt(sent, (sink) => {
      this.#isEnded = true;
      sink.end(trailers, (error) => {
        if (error) this.#lose(error);
        this.#succeed();
        this.#finish();
      });
      sent();
    });
  }

  #attempt(failed: (error: Error) => void, use: (sink: StreamSink) => void): void {
    try {
      this.#sink ??= this.#open(this.contentType);
      use(this.#sink);
    } catch (error) {
      this.#lose(error as Error);
      failed(error as Error);
    }
  }

  #lose(error: Error): void {
    this.#isEnded = true;
    this.complain(error);
    this.#finish();
  }
}

type Done = (error?: Error | null) => void;

/** The stream behind the facade. Its `write` and `end` differ from a Writable's where the managed runtimes' do. */
class ResponseWritable extends Writable implements PrefixableStream {
  _onBeforeFirstWrite: PrefixableStream['_onBeforeFirstWrite'] = undefined;
  readonly #post: Post;
  #hasStarted = false;
  #trailers: ErrorTrailers | undefined;

  constructor(post: Post, highWaterMark: number) {
    super({ highWaterMark });
    this.#post = post;
    // User code that does not listen must not lose its process: the runtime learns of the error through the post.
    this.on('error', () => {});
  }

  setContentType(contentType: unknown): void {
    if (this.#hasStarted || this.writableEnded) throw runtimeError('ContentTypeTooLate', {});
    const text = contentType === undefined || contentType === null ? undefined : textOf(contentType);
    if (text === undefined || /[^\t\x20-\x7e\x80-\xff]/.test(text)) {
      throw runtimeError('ContentTypeInvalid', { value: JSON.stringify(text) ?? 'undefined' });
    }
    this.#post.contentType = text;
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Done, done?: Done): boolean {
    const callback = typeof encoding === 'function' ? encoding : done;
    if (this.writableEnded) return this.#refuse(callback);
    const data = toData(chunk);
    this.#start();
    return super.write(data, encodingOf(encoding), callback);
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | Done, done?: Done): this {
    const callback = [chunk, encoding, done].find((argument) => typeof argument === 'function') as Done | undefined;
    const hasData = chunk !== undefined && chunk !== null && typeof chunk !== 'function';
    if (this.writableEnded) {
      if (hasData) this.#refuse(callback);
      return hasData ? this : super.end(callback);
    }
    const data = hasData ? toData(chunk) : undefined;
    this.#start();
    return data === undefined ? super.end(callback) : super.end(data, encodingOf(encoding), callback);
  }

  fail(trailers: ErrorTrailers): void {
    // What was ended is on its way, unless the stream was destroyed before; a POST that is over takes no second end.
    if (this.destroyed) {
      this.#post.end(trailers, () => {});
    } else if (!this.writableEnded) {
      this.#trailers = trailers;
      // Not this class's `end`: a response that failed before its first byte has an empty body, and no prelude.
      super.end();
    }
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#post.write(chunk, done);
  }

  override _final(done: Done): void {
    this.#post.end(this.#trailers, done);
  }

  override _destroy(error: Error | null, done: Done): void {
    if (this.writableFinished) {
      // 'close' means that the platform has answered.
      this.#post.answered.then(() => done(error), done);
      return;
    }
    this.#post.complain(error ?? runtimeError('StreamNotFinished', {}));
    done(error);
  }

  #start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this._onBeforeFirstWrite?.((chunk) => super.write(chunk));
  }

  /** What has been written so far is still sent. A Writable would destroy itself, and drop it. */
  #refuse(callback: Done | undefined): false {
    const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
    this.#post.complain(error);
    nextTick(() => {
      callback?.(error);
      this.emit('error', error);
    });
    return false;
  }
}

/** @throws TypeError when there is no JSON for it */
function toData(chunk: unknown): string | Uint8Array {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return chunk;
  const json = JSON.stringify(chunk);
  if (json === undefined) throw new TypeError(`A response stream cannot write a value of type ${typeof chunk}.`);
  return json;
}

function encodingOf(encoding: BufferEncoding | Done | undefined): BufferEncoding {
  return typeof encoding === 'string' ? encoding : 'utf8';
}
