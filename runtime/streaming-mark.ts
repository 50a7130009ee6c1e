// The mark on a handler that says it streams its response: two symbols, shared with every copy of the managed runtimes' code.
// Source: Lambda Developer Guide, "Response streaming for Lambda functions".

import { runtimeError } from './errors.ts';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const RESPONSE = 'response';

type Marked = { [STREAMING]?: unknown; [HIGH_WATER_MARK]?: unknown };

/** `awslambda.streamifyResponse`: marks the handler and returns the same function. `highWaterMark` is in bytes. */
export function streamifyResponse<Handler extends object>(
  handler: Handler,
  options?: { readonly highWaterMark?: unknown },
): Handler {
  const marked: Marked = handler;
  marked[STREAMING] = RESPONSE;
  if (typeof options?.highWaterMark === 'number') {
    marked[HIGH_WATER_MARK] = Number.parseInt(String(options.highWaterMark), 10);
  }
  return handler;
}

export type StreamingMark = { readonly isStreaming: boolean; readonly highWaterMarkBytes: number | undefined };

/**
 * Reads the mark of a loaded handler.
 * @throws Runtime.MalformedStreamingHandler when it is marked with anything but `response`
 */
export function readStreamingMark(handler: object): StreamingMark {
  const { [STREAMING]: mark, [HIGH_WATER_MARK]: limit } = handler as Marked;
  if (mark && mark !== RESPONSE) throw runtimeError('MalformedStreamingHandler', {});
  const bytes = limit ? Math.trunc(Number(limit)) : Number.NaN;
  // What a stream would refuse (NaN, infinite, negative) leaves the default.
  const isUsable = Number.isSafeInteger(bytes) && bytes >= 0;
  return { isStreaming: mark === RESPONSE, highWaterMarkBytes: isUsable ? bytes : undefined };
}
